// What is shown, as the reader sets it.

import { byId, make } from './dom.js';
import { fromLocalInput, isZone, toLocalInput } from './format.js';
import { fitted, granularitiesOf, ranges, spanOf } from './view.js';

const granularityTitles = { minute: 'Minute', 'quarter-hour': 'Quarter-hour', hour: 'Hour', day: 'Day' };
const mostAds = 50;

/**
 * The controls.
 * @param {(view: object) => void} onChange Hears of every change.
 */
export class Controls {
  #view;
  #ads = [];
  #chosen = new Set();
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
    const segments = Object.entries(ranges).map(([name, { title, long }]) => this.#segment(name, title, long));
    byId('ranges').replaceChildren(...segments, this.#segment('custom', 'Custom', 'A range of your own'));
    byId('zones').replaceChildren(...['UTC', ...(Intl.supportedValuesOf?.('timeZone') ?? [])].map((zone) => make('option', { value: zone })));
    byId('controls').addEventListener('submit', (event) => event.preventDefault());
    byId('granularity').addEventListener('change', (event) => this.#change({ granularity: event.target.value }));
    byId('zone').addEventListener('change', (event) => this.#changeZone(event.target));
    byId('advertiser').addEventListener('change', (event) => this.#change({ advertiser: event.target.value.trim(), ads: [] }));
    for (const name of ['from', 'to']) {
      byId(name).addEventListener('change', () => this.#changeCustom());
    }

    this.#bindPicker();
  }

  /** Shows a view. */
  show(view) {
    this.#view = view;
    this.#chosen = new Set(view.ads);
    byId('advertiser').value = view.advertiser;
    for (const radio of byId('ranges').querySelectorAll('input')) {
      radio.checked = radio.value === view.range;
    }

    byId('granularity').replaceChildren(...granularitiesOf(view).map((name) => make('option', { value: name }, granularityTitles[name])));
    byId('granularity').value = view.granularity;
    byId('zone').value = view.zone;
    byId('custom').hidden = view.range !== 'custom';
    if (view.range === 'custom') {
      byId('from').value = toLocalInput(view.from, view.zone);
      byId('to').value = toLocalInput(view.to, view.zone);
    }

    byId('ads-button').textContent = view.ads.length === 0 ? 'All ads' : view.ads.length === 1 ? this.nameOf(view.ads[0]) : `${view.ads.length} ads`;
    this.#listAds();
  }

  /** Takes the ads there are to pick from. */
  setAds(ads) {
    this.#ads = ads;
    this.show(this.#view);
  }

  /** Takes the advertisers there are to pick from; an administrator sees all of them. */
  setAdvertisers(advertisers) {
    byId('advertiser-control').hidden = false;
    byId('advertisers').replaceChildren(...advertisers.map((id) => make('option', { value: id })));
  }

  /** The name of an ad; its ID where there is none. */
  nameOf(adId) {
    return this.#ads.find((ad) => ad.adId === adId)?.name ?? adId;
  }

  #change(part) {
    this.#onChange(fitted({ ...this.#view, ...part }));
  }

  #segment(value, title, long) {
    const radio = make('input', { type: 'radio', name: 'range', value });
    radio.addEventListener('change', () => this.#changeRange(value));
    return make('label', { title: long }, radio, make('span', {}, title));
  }

  #changeRange(range) {
    if (range === 'custom') {
      const [from, to] = spanOf(this.#view, Date.now());
      this.#change({ range, from: Math.floor(from / 60_000) * 60_000, to: Math.ceil(to / 60_000) * 60_000 });
      byId('from').focus();
    } else {
      this.#change({ range, granularity: ranges[range].granularity });
    }
  }

  #changeCustom() {
    const from = fromLocalInput(byId('from').value, this.#view.zone);
    const to = fromLocalInput(byId('to').value, this.#view.zone);
    const isOrdered = from < to;
    byId('to').setCustomValidity(isOrdered || Number.isNaN(from) || Number.isNaN(to) ? '' : 'The end must be after the start.');
    byId('to').reportValidity();
    if (isOrdered) {
      this.#change({ from, to });
    }
  }

  #changeZone(field) {
    const zone = field.value.trim();
    field.setCustomValidity(isZone(zone) ? '' : 'Give the IANA name of a time zone, such as Europe/Berlin.');
    field.reportValidity();
    if (isZone(zone)) {
      this.#change({ zone });
    }
  }

  #bindPicker() {
    const button = byId('ads-button');
    const popover = byId('ads-popover');
    const close = () => {
      popover.hidden = true;
      button.setAttribute('aria-expanded', 'false');
    };
    const done = () => {
      close();
      button.focus();
      const ads = [...this.#chosen].slice(0, mostAds);
      if (ads.join() !== this.#view.ads.join()) {
        this.#change({ ads });
      }
    };
    button.addEventListener('click', () => {
      if (!popover.hidden) {
        done();
        return;
      }

      this.#chosen = new Set(this.#view.ads);
      byId('ads-search').value = '';
      this.#listAds();
      popover.hidden = false;
      button.setAttribute('aria-expanded', 'true');
      byId('ads-search').focus();
    });
    byId('ads-search').addEventListener('input', () => this.#listAds());
    byId('ads-done').addEventListener('click', done);
    byId('ads-all').addEventListener('click', () => {
      this.#chosen.clear();
      done();
    });
    popover.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        close();
        button.focus();
      }
    });
    document.addEventListener('pointerdown', (event) => {
      if (!popover.hidden && !popover.contains(event.target) && event.target !== button) {
        close();
      }
    });
  }

  #listAds() {
    const wanted = byId('ads-search').value.trim().toLowerCase();
    const found = this.#ads.filter((ad) => `${ad.name} ${ad.adId}`.toLowerCase().includes(wanted)).slice(0, 200);
    byId('ads-list').replaceChildren(...found.map((ad) => {
      const box = make('input', { type: 'checkbox', value: ad.adId, checked: this.#chosen.has(ad.adId) });
      box.addEventListener('change', () => (box.checked ? this.#chosen.add(ad.adId) : this.#chosen.delete(ad.adId)));
      return make('label', {}, box, make('span', { className: 'ad-name' }, ad.name), make('span', { className: 'ad-id' }, ad.status === 'active' ? ad.adId : `${ad.adId} · ${ad.status}`));
    }));
    if (found.length === 0) {
      byId('ads-list').replaceChildren(make('p', { className: 'empty' }, this.#ads.length === 0 ? 'There are no ads yet.' : 'No ad is called that.'));
    }
  }
}
