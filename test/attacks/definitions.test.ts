import { definitionAttacks } from './definition-attacks.ts';
import { tryThemes } from './try-attack.ts';

// Nearly all are refused for want of privileges, in whatever version.
tryThemes(definitionAttacks, [18]);
