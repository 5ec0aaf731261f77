// Redirects per second of a node, over the last minutes.

import { byId, make, setText } from './dom.js';
import * as format from './format.js';

const secondsShown = 300;
const darkness = matchMedia('(prefers-color-scheme: dark)');

/** A chart that grows by a second each second. */
export class TrafficChart {
  #mount = byId('chart');
  #seconds = new Map();
  #plot = null;
  #values = {};

  constructor() {
    const item = (name, title) => {
      this.#values[name] = make('b', {}, '–');
      return make('span', { className: 'legend-item' }, make('span', { className: `swatch ${name}` }), `${title} `, this.#values[name]);
    };
    byId('legend').replaceChildren(item('clicks', 'Valid'), item('invalid', 'Invalid'));
    new ResizeObserver(() => this.#plot?.setSize({ width: Math.max(200, this.#mount.clientWidth), height: this.#plot.height })).observe(this.#mount);
    darkness.addEventListener('change', () => this.#build());
  }

  /** Takes the newest seconds. */
  take(redirects) {
    for (const second of redirects) {
      this.#seconds.set(Date.parse(second.at) / 1000, second);
    }

    for (const at of this.#seconds.keys()) {
      if (this.#seconds.size <= secondsShown) {
        break;
      }

      this.#seconds.delete(at);
    }

    const newest = redirects.at(-1);
    setText(this.#values.clicks, format.count(newest?.valid ?? 0));
    setText(this.#values.invalid, format.count(newest?.invalid ?? 0));
    if (this.#plot) {
      this.#plot.setData(this.#data());
    } else {
      this.#build();
    }
  }

  /** Takes the chart away. */
  clear() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#seconds.clear();
  }

  #data() {
    const times = [...this.#seconds.keys()];
    const found = [...this.#seconds.values()];
    return [times, found.map((second) => second.valid + second.invalid), found.map((second) => second.invalid)];
  }

  #build() {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const path = uPlot.paths.stepped({ align: -1 });
    const line = (name) => ({ stroke: color(name), fill: color(`${name}-fill`), width: 1.5, paths: path, points: { show: false } });
    const axis = { stroke: color('--muted'), font: '12px system-ui, sans-serif', grid: { stroke: color('--grid'), width: 1 }, ticks: { show: false } };
    this.#plot = new uPlot({
      width: Math.max(200, this.#mount.clientWidth),
      height: 200,
      legend: { show: false },
      cursor: { show: false },
      padding: [12, 8, 0, 0],
      scales: {
        x: { range: (self, low, high) => [Math.max(high - secondsShown, Math.min(low, high - 59)), high] },
        y: { range: (self, low, high) => [0, Math.max(5, (high ?? 0) * 1.15)] },
      },
      axes: [
        { ...axis, size: 30, space: 90, values: (self, splits) => splits.map((seconds) => format.time(seconds * 1000, undefined, 'clock')) },
        { ...axis, size: 56, space: 40, values: (self, splits) => splits.map(format.compact) },
      ],
      series: [{}, line('--accepted'), line('--invalid')],
    }, this.#data(), this.#mount);
  }
}
