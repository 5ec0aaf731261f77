// Elements without markup in strings: what the server sends is text here, never HTML.

/** The element with this ID. */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element.
 * @param {string} name Its tag.
 * @param {object} properties Properties to set; those with a dash are attributes.
 * @param {...(Node|string)} children What is in it.
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role' || key === 'scope' || key === 'for') {
      element.setAttribute(key, value);
    } else {
      element[key] = value;
    }
  }

  element.append(...children);
  return element;
}

/**
 * A table whose rows are replaced in place, so that what a reader has focused or selected stays where it can.
 * @param {HTMLElement} mount Where it goes.
 * @param {{title: string, number?: boolean}[]} columns Its columns; the first names the row.
 * @param {string} caption What it is, for screen readers.
 */
export function makeTable(mount, columns, caption) {
  const body = make('tbody');
  const head = make('tr', {}, ...columns.map((column) => make('th', { scope: 'col', className: column.number ? 'number' : '' }, column.title)));
  mount.replaceChildren(make('table', {}, make('caption', { className: 'visually-hidden' }, caption), make('thead', {}, head), body));

  /** @param {(Node|string)[][]} rows The cells of each row. */
  return (rows, empty = 'Nothing yet.') => {
    if (rows.length === 0) {
      body.replaceChildren(make('tr', {}, make('td', { colSpan: columns.length, className: 'empty' }, empty)));
      return;
    }

    body.replaceChildren(...rows.map((cells) => make('tr', {}, ...cells.map((cell, i) =>
      make(i === 0 ? 'th' : 'td', i === 0 ? { scope: 'row', className: columns[i].number ? 'number' : '' } : { className: columns[i].number ? 'number' : '' }, cell)))));
  };
}

/** Sets a text only where it has changed, so that live regions don't speak for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
