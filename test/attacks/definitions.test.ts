import { definitionAttacks } from './definition-attacks.ts';
import { tryThemes } from './try-attack.ts';

tryThemes(definitionAttacks);
