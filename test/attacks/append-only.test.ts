import { definitionAttacks } from './definition-attacks.ts';
import { lockAttacks } from './lock-attacks.ts';
import { rowAttacks } from './row-attacks.ts';
import { tryThemes } from './try-attack.ts';

tryThemes([...rowAttacks, ...definitionAttacks, ...lockAttacks]);
