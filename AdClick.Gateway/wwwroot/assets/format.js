// Numbers and times as the reader's locale writes them.

const locales = navigator.languages?.length ? [...navigator.languages] : undefined;

const whole = new Intl.NumberFormat(locales);
const short = new Intl.NumberFormat(locales, { notation: 'compact', maximumFractionDigits: 1 });
const oneDigit = new Intl.NumberFormat(locales, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(locales, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A count. */
export const count = (n) => whole.format(n);

/** A count on an axis. */
export const compact = (n) => short.format(n);

/** A rate or a duration, with one digit. */
export const decimal = (n) => oneDigit.format(n);

/** A part of a whole; of nothing, a dash. */
export const share = (part, all) => (all > 0 ? percent.format(part / all) : '–');

/** Milliseconds with three significant digits. */
export const milliseconds = (ms) => (ms === undefined ? '–' : `${new Intl.NumberFormat(locales, { maximumSignificantDigits: 3 }).format(ms)} ms`);

/** A span in its largest unit that is not below 1. */
export function span(seconds) {
  if (seconds === undefined) {
    return '–';
  }

  const [value, unit] = seconds < 120 ? [seconds, 's'] : seconds < 7200 ? [seconds / 60, 'min'] : seconds < 172800 ? [seconds / 3600, 'h'] : [seconds / 86400, 'd'];
  return `${oneDigit.format(value)} ${unit}`;
}

const formats = new Map();

function formatOf(zone, options) {
  const name = `${zone}|${JSON.stringify(options)}`;
  let format = formats.get(name);
  if (!format) {
    formats.set(name, (format = new Intl.DateTimeFormat(locales, { timeZone: zone, ...options })));
  }

  return format;
}

const styles = {
  second: { dateStyle: 'medium', timeStyle: 'medium' },
  minute: { dateStyle: 'medium', timeStyle: 'short' },
  day: { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' },
  clock: { timeStyle: 'medium' },
  axisTime: { hour: 'numeric', minute: '2-digit' },
  axisDay: { month: 'short', day: 'numeric' },
  axisMonth: { year: 'numeric', month: 'short' },
};

/** A time in a zone. */
export const time = (ms, zone, style = 'minute') => formatOf(zone, styles[style]).format(ms);

/** The start of a bucket, as fine as the bucket is. */
export const bucketTime = (ms, zone, granularity) => time(ms, zone, granularity === 'day' ? 'day' : 'minute');

/** The clock on the wall in a zone: numbers of year, month, day, hour, minute, second. */
export function wallClock(ms, zone) {
  const parts = {};
  for (const part of formatOf(zone, { calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }).formatToParts(ms)) {
    parts[part.type] = Number(part.value);
  }

  return parts;
}

/** A wall clock time written as `yyyy-MM-ddTHH:mm`, for an input of type datetime-local. */
export function toLocalInput(ms, zone) {
  const { year, month, day, hour, minute } = wallClock(ms, zone);
  const two = (n) => String(n).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

/** The moment at which the clocks of a zone show `yyyy-MM-ddTHH:mm`; NaN for no such text. */
export function fromLocalInput(text, zone) {
  const wanted = Date.parse(`${text}Z`);
  if (Number.isNaN(wanted)) {
    return NaN;
  }

  // The zone's offset there, found from nearby, twice, because the first guess may lie beyond a change of the clocks.
  let moment = wanted;
  for (let i = 0; i < 2; i++) {
    const { year, month, day, hour, minute, second } = wallClock(moment, zone);
    moment += wanted - Date.UTC(year, month - 1, day, hour, minute, second);
  }

  return moment;
}

/** Whether the browser knows a time zone of this name. */
export function isZone(name) {
  try {
    return Boolean(new Intl.DateTimeFormat(undefined, { timeZone: name }));
  } catch {
    return false;
  }
}
