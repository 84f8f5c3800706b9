const day = 86_400_000;

/**
 * Prefixes that together hold exactly the day folders from `fromMs` to `toMs` (epoch milliseconds,
 * both included), in key order. A whole month or year is one prefix, so that a scan over years does
 * not list thousands of days one by one.
 */
export function dayPrefixes(base: string, fromMs: number, toMs: number): string[] {
  // Keys hold `epoch_ms` of 13 digits and years of 4: nothing stands outside of these.
  let at = Math.floor(Math.max(fromMs, 0) / day) * day;
  const end = Math.min(toMs, Date.UTC(9999, 11, 31));
  const prefixes: string[] = [];
  while (at <= end) {
    const date = new Date(at);
    const [year, month, dayOfMonth] = [
      date.getUTCFullYear(),
      date.getUTCMonth(),
      date.getUTCDate(),
    ];
    const nextMonth = Date.UTC(year, month + 1, 1);
    const nextYear = Date.UTC(year + 1, 0, 1);
    if (dayOfMonth === 1 && month === 0 && nextYear - day <= end) {
      prefixes.push(`${base}${year}/`);
      at = nextYear;
    } else if (dayOfMonth === 1 && nextMonth - day <= end) {
      prefixes.push(`${base}${year}/${two(month + 1)}/`);
      at = nextMonth;
    } else {
      prefixes.push(`${base}${year}/${two(month + 1)}/${two(dayOfMonth)}/`);
      at += day;
    }
  }
  return prefixes;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
