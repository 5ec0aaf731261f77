// The chart: accepted clicks, with duplicates and invalid ones beneath, the states of the buckets between, and a mark up to when the numbers are complete.

import { byId, make, setText } from './dom.js';
import * as format from './format.js';
import { widths } from './view.js';

const axisWidth = 56;
const stripHeight = 18;
const mostBars = 400;

const darkness = matchMedia('(prefers-color-scheme: dark)');

const parts = [
  { name: 'clicks', title: 'Accepted', color: '--accepted' },
  { name: 'duplicates', title: 'Duplicates', color: '--duplicates' },
  { name: 'invalid', title: 'Invalid', color: '--invalid' },
];

/** A chart of a series. */
export class ClicksChart {
  #mount = byId('chart');
  #readout = byId('readout');
  #plots = [];
  #shown = null;
  #legend = {};
  #cursor = null;
  #dashes = null;

  constructor() {
    this.#makeLegend();
    new ResizeObserver(() => this.#resize()).observe(this.#mount);
    darkness.addEventListener('change', () => this.#rebuild());
    this.#mount.addEventListener('keydown', (event) => this.#onKey(event));
    this.#mount.addEventListener('blur', () => this.#pointAt(null));
  }

  /**
   * Draws a series.
   * @param {import('./series.js').Series} series What.
   * @param {object} view How: time zone and granularity.
   */
  show(series, view) {
    performance.mark('adclick-redraw');
    const isOther = this.#shown?.view !== view;
    this.#shown = { series, view };
    if (isOther || this.#plots.length === 0) {
      this.#rebuild();
    } else {
      const [upper, lower] = this.#data();
      this.#plots[0].setData(upper);
      this.#plots[1].setData(lower);
    }

    this.#tell();
    performance.measure('adclick-redraw', 'adclick-redraw'); // read by AdClick.Benchmarks
    performance.clearMarks('adclick-redraw');
  }

  /** Takes the chart away. */
  clear() {
    this.#plots.forEach((plot) => plot.destroy());
    this.#plots = [];
    this.#shown = null;
  }

  #makeLegend() {
    const time = make('span', { className: 'legend-time' });
    const values = parts.map((part) => {
      const value = make('b', {}, '–');
      this.#legend[part.name] = value;
      return make('span', { className: 'legend-item' }, make('span', { className: `swatch ${part.name}` }), `${part.title} `, value);
    });
    this.#legend.time = time;
    this.#legend.state = make('span', { className: 'legend-state' });
    byId('legend').replaceChildren(...values, time, this.#legend.state);
  }

  // Columns of uPlot. Wide series are drawn as steps, whose last needs an end.
  #data() {
    const { buckets, to } = this.#shown.series;
    const isSteps = buckets.length > mostBars;
    const n = buckets.length + (isSteps ? 1 : 0);
    const times = new Float64Array(n);
    const clicks = new Float64Array(n);
    const stacked = new Float64Array(n);
    const invalid = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const bucket = buckets[Math.min(i, buckets.length - 1)];
      times[i] = i < buckets.length ? bucket.time / 1000 : to / 1000;
      clicks[i] = bucket.clicks;
      invalid[i] = bucket.invalid;
      stacked[i] = bucket.invalid + bucket.duplicates;
    }

    return [[times, clicks], [times, stacked, invalid]];
  }

  #rebuild() {
    if (!this.#shown) {
      return;
    }

    this.#plots.forEach((plot) => plot.destroy());
    const { series } = this.#shown;
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const path = series.buckets.length > mostBars ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.bars({ size: [0.86, 64], align: 1, radius: series.buckets.length > 150 ? 0 : 0.12 });
    const line = (name) => ({ stroke: color(name), fill: color(`${name}-fill`), width: 0, paths: path, points: { show: false } });
    const narrow = this.#mount.clientWidth < 560;
    const heights = narrow ? [200, 118] : [270, 128];
    const cursor = {
      sync: { key: 'clicks', setSeries: false },
      drag: { x: false, y: false },
      y: false,
      points: { show: false },
    };
    const [upper, lower] = this.#data();
    const plot = (height, data, series, hasTimes, draw) => new uPlot({
      width: Math.max(200, this.#mount.clientWidth),
      height,
      cursor: { ...cursor, dataIdx: (self, i, closest, at) => this.#bucketAt(at) ?? closest },
      legend: { show: false },
      padding: [12, 8, hasTimes ? 0 : 4, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.#shown.view.zone),
      scales: {
        x: { time: true, range: () => [this.#shown.series.from / 1000, this.#shown.series.to / 1000] },
        y: { range: (self, low, high) => [0, nextNice(Math.max(high ?? 0, 4))] },
      },
      axes: [
        {
          stroke: color('--muted'),
          font: '12px system-ui, sans-serif',
          grid: { stroke: color('--grid'), width: 1 },
          ticks: { show: false },
          size: hasTimes ? 30 : stripHeight,
          space: narrow ? 56 : 76,
          gap: 6,
          values: hasTimes ? (self, splits, axis, space, increment) => this.#timeLabels(splits, increment) : () => [],
        },
        {
          stroke: color('--muted'),
          font: '12px system-ui, sans-serif',
          grid: { stroke: color('--grid'), width: 1 },
          ticks: { show: false },
          size: axisWidth,
          space: hasTimes ? 34 : 44,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9, 1e10],
          values: (self, splits) => splits.map(format.compact),
        },
      ],
      series: [{}, ...series],
      hooks: {
        draw: [draw],
        setCursor: [(self) => hasTimes || this.#pointAt(self.cursor.left >= 0 ? self.cursor.idx : null)],
      },
    }, data, this.#mount);
    this.#dashes = color('--marker');
    this.#plots = [
      plot(heights[0], upper, [line('--accepted')], false, (self) => {
        this.#drawStates(self, color);
        this.#drawMarker(self, color);
      }),
      plot(heights[1], lower, [line('--duplicates'), line('--invalid')], true, (self) => this.#drawMarker(self, color)),
    ];
  }

  #resize() {
    const width = Math.max(200, this.#mount.clientWidth);
    if (this.#plots.length > 0 && this.#plots[0].width !== width) {
      this.#plots.forEach((plot) => plot.setSize({ width, height: plot.height }));
    }
  }

  #timeLabels(splits, increment) {
    const { view } = this.#shown;
    return splits.map((seconds, i) => {
      const ms = seconds * 1000;
      if (increment >= 28 * 86400) {
        return format.time(ms, view.zone, 'axisMonth');
      }

      const clock = format.wallClock(ms, view.zone);
      const isNewDay = i > 0 && clock.hour === 0 && clock.minute === 0;
      return increment >= 86400 || isNewDay ? format.time(ms, view.zone, 'axisDay') : format.time(ms, view.zone, 'axisTime');
    });
  }

  // A strip below the upper chart: solid where the numbers are final, doubled where they are reconciled, open where they are live.
  #drawStates(plot, color) {
    const { buckets, to } = this.#shown.series;
    const context = plot.ctx;
    const ratio = devicePixelRatio;
    const top = plot.bbox.top + plot.bbox.height + 7 * ratio;
    const height = 5 * ratio;
    for (let i = 0; i < buckets.length;) {
      let end = i + 1;
      while (end < buckets.length && buckets[end].state === buckets[i].state) {
        end++;
      }

      const left = plot.valToPos(buckets[i].time / 1000, 'x', true);
      const right = plot.valToPos((buckets[end]?.time ?? to) / 1000, 'x', true);
      context.fillStyle = color(`--${buckets[i].state}`);
      if (buckets[i].state === 'live') {
        for (let x = left; x < right; x += 6 * ratio) {
          context.fillRect(x, top, Math.min(3 * ratio, right - x), height);
        }
      } else {
        context.fillRect(left, top, Math.max(1, right - left - ratio), height);
      }

      i = end;
    }
  }

  // Everything left of it is there; what comes right of it may still be on its way.
  #drawMarker(plot, color) {
    const { series } = this.#shown;
    if (series.completeThrough <= series.from || series.completeThrough >= series.to) {
      return;
    }

    const x = Math.round(plot.valToPos(series.completeThrough / 1000, 'x', true)) + 0.5;
    const { left, top, width, height } = plot.bbox;
    const context = plot.ctx;
    context.save();
    context.fillStyle = color('--pending');
    context.fillRect(x, top, left + width - x, height);
    context.strokeStyle = color('--marker');
    context.lineWidth = devicePixelRatio;
    context.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.stroke();
    context.restore();
  }

  #bucketAt(seconds) {
    const buckets = this.#shown?.series.buckets ?? [];
    let low = 0;
    let high = buckets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (buckets[middle].time / 1000 <= seconds) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }

    return buckets.length > 0 ? low : null;
  }

  #pointAt(index) {
    this.#cursor = index === null || index === undefined ? null : Math.min(index, (this.#shown?.series.buckets.length ?? 1) - 1);
    this.#tell();
  }

  // The values under the cursor; without one, those of the newest bucket.
  #tell() {
    if (!this.#shown || this.#shown.series.buckets.length === 0) {
      return;
    }

    const { series, view } = this.#shown;
    const bucket = series.buckets[this.#cursor ?? series.buckets.length - 1] ?? series.buckets.at(-1);
    for (const { name } of parts) {
      setText(this.#legend[name], format.count(bucket[name]));
    }

    setText(this.#legend.time, format.bucketTime(bucket.time, view.zone, view.granularity));
    setText(this.#legend.state, bucket.state);
    this.#legend.state.dataset.state = bucket.state;
  }

  #onKey(event) {
    const last = (this.#shown?.series.buckets.length ?? 0) - 1;
    const at = this.#cursor ?? last;
    const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: last };
    if (last < 0 || !(event.key in steps)) {
      return;
    }

    event.preventDefault();
    const index = Math.max(0, Math.min(last, steps[event.key]));
    const { series, view } = this.#shown;
    const bucket = series.buckets[index];
    const middle = (bucket.time + (series.buckets[index + 1]?.time ?? bucket.time + widths[view.granularity])) / 2;
    this.#plots.forEach((plot) => plot.setCursor({ left: plot.valToPos(Math.min(middle, series.to - 1) / 1000, 'x'), top: 10 }, false));
    this.#pointAt(index);
    this.#readout.textContent = `${format.bucketTime(bucket.time, view.zone, view.granularity)}: ${format.count(bucket.clicks)} accepted, `
      + `${format.count(bucket.duplicates)} duplicates, ${format.count(bucket.invalid)} invalid, ${bucket.state}`;
  }
}

/** The next round number, so that the axis doesn't move with every click. */
function nextNice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((n) => n * power >= value * 1.02) * power || 10 * power * 1.5;
}
