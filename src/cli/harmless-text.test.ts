import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnsOf, harmlessJson, harmlessText, wrapText } from './harmless-text.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
const acting = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** Any code points, lone surrogates too, with those that matter often among them. */
const anyText = fc
  .array(fc.oneof(fc.nat(0x10ffff), fc.nat(0xff), fc.integer({ min: 0x2000, max: 0x20ff })))
  .map((points) => String.fromCodePoint(...points));

describe('harmlessText', () => {
  test('a statement that would recolour, retitle or clear the terminal is shown, not obeyed', () => {
    expect(harmlessText('\x1b[2J\x1b]0;owned\x07 select\r1')).toBe(
      '\\x1b[2J\\x1b]0;owned\\x07 select\\x0d1',
    );
  });

  test('a C1 control, which some terminals take as an escape, is shown', () => {
    expect(harmlessText('\u009b31m')).toBe('\\x9b31m');
  });

  test('text can not run backwards over what stands before it', () => {
    expect(harmlessText('\u202eresu ;eteled')).toBe('\\u{202e}resu ;eteled');
  });

  test('other scripts stay as they are', () => {
    expect(harmlessText('Zoë 山田 Ελλάδα')).toBe('Zoë 山田 Ελλάδα');
  });

  test('no text whatever leaves a character that acts on a terminal', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(harmlessText(text)).not.toMatch(acting);
        expect(harmlessText(text, { lines: true }).replaceAll('\n', '')).not.toMatch(acting);
      }),
    );
  });
});

describe('harmlessJson', () => {
  test('any value reads back the same, on one line, with nothing that acts', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const json = harmlessJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(json).not.toMatch(acting);
      }),
    );
  });
});

describe('wrapText', () => {
  test('lines break at blanks, and a word that is too long breaks anywhere', () => {
    expect(wrapText('insert into users values 1234567890123', 12)).toEqual([
      'insert into',
      'users values',
      '123456789012',
      '3',
    ]);
  });

  test('a word that fits no line with what is wide behind it still leaves no line too wide', () => {
    expect(wrapText(' xy山', 3)).toEqual(['', 'xy', '山']);
  });

  test('a wide letter counts as two columns, a combining one as none', () => {
    expect(columnsOf('山e\u0301')).toBe(3);
    expect(wrapText('山山山', 4)).toEqual(['山山', '山']);
  });

  test('nothing but blanks is left out, and no line is wider than asked for', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 2, max: 20 }),
        (text, columns) => {
          const clean = harmlessText(text, { lines: true });
          const lines = wrapText(clean, columns);
          expect(lines.join('').replaceAll(' ', '')).toBe(clean.replace(/[\n ]/g, ''));
          for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
        },
      ),
      { numRuns: 300 },
    );
  });
});
