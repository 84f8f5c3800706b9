import { settingAttacks } from './setting-attacks.ts';
import { shadowAttacks } from './shadow-attacks.ts';
import { tryThemes } from './try-attack.ts';

tryThemes([...shadowAttacks, ...settingAttacks]);
