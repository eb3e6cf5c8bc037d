/** Numbers as the report writes them. */

/** 0.877; "–" for numbers that have no meaning here (JSON makes null of NaN). */
export function score(value: number | null | undefined, digits = 3): string {
  return Number.isFinite(value) ? (value as number).toFixed(digits) : "–";
}

/** 0.87 */
export function probability(value: number): string {
  return value.toFixed(2);
}

/** 12,345 */
export function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** "1 tile", "2 tiles" */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** "about 3 are wrong", of labels whose probabilities to be wrong sum up to `expected` */
export function expectedErrors(expected: number): string {
  const number = Math.round(expected);
  if (number === 0) return "perhaps none is wrong";
  return `about ${count(number)} ${number === 1 ? "is" : "are"} wrong`;
}

/** 4.2%, 42% */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 && share > 0 ? 1 : 0)}%`;
}

/** 0.8 s, 12 s, 3 min 5 s, 2 h 4 min */
export function duration(seconds: number): string {
  if (seconds < 59.5) {
    return `${seconds < 9.95 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Things per second with three significant digits or so. */
export function rate(things: number, seconds: number): string {
  const perSecond = things / Math.max(1e-9, seconds);
  return perSecond >= 100 ? count(perSecond) : perSecond.toPrecision(3);
}

/** "a", "a and b", "a, b and c", "a, b, c and 4 more" */
export function enumerate(names: readonly string[], limit = 5): string {
  const shown = names.length > limit ? [...names.slice(0, limit - 1), `${names.length - limit + 1} more`] : [...names];
  const last = shown.pop() ?? "";
  return shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
}
