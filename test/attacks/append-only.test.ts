import { lockAttacks } from './lock-attacks.ts';
import { rowAttacks } from './row-attacks.ts';
import { tryThemes } from './try-attack.ts';

tryThemes([...rowAttacks, ...lockAttacks]);
