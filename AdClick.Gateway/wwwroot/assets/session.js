// Signing in and out. The key is kept in the tab alone (sessionStorage): not in a cookie, not in a URL, not on disk.

import { getJson } from './api.js';
import { byId } from './dom.js';

const storageName = 'adclick.key';

/**
 * Shows the sign-in form or the page, whichever is due.
 * @param {object} page
 * @param {(me: object) => string|null} page.check Why a key is of no use here; null if it is.
 * @param {(key: string, me: object) => void} page.start Begins to show.
 * @param {() => void} page.stop Ends it.
 * @returns {(why: string) => void} Signs out, for a reason.
 */
export function startSession({ check, start, stop }) {
  const form = byId('sign-in-form');
  const field = byId('key');
  const problem = byId('sign-in-problem');

  async function signIn(key, isNew) {
    problem.textContent = '';
    try {
      const me = await getJson(key, '/v1/keys/self');
      const fault = check(me);
      if (fault) {
        throw new Error(fault);
      }

      sessionStorage.setItem(storageName, key);
      field.value = '';
      const who = byId('who');
      who.textContent = me.advertiserId ? `${me.advertiserId}` : me.name;
      who.title = `Key ${me.name}, scope ${me.scope}`;
      show(true);
      start(key, me);
      if (isNew) {
        byId('main').focus({ preventScroll: true });
      }
    } catch (error) {
      if (error.isPassing && !isNew) {
        // The tab was reloaded while the server is away: it signs in by itself when it is back.
        show(false);
        problem.textContent = `${error.message} Trying again…`;
        setTimeout(() => sessionStorage.getItem(storageName) === key && signIn(key, false), 1000);
        return;
      }

      signOut(error.message);
      field.focus();
    }
  }

  function show(isSignedIn) {
    byId('sign-in').hidden = isSignedIn;
    byId('dashboard').hidden = !isSignedIn;
    byId('who').hidden = !isSignedIn;
    byId('sign-out').hidden = !isSignedIn;
  }

  function signOut(why = '') {
    sessionStorage.removeItem(storageName);
    stop();
    show(false);
    problem.textContent = why;
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = field.value.trim();
    if (/^[\x21-\x7e]+$/.test(key)) {
      signIn(key, true);
    } else {
      problem.textContent = 'A key has no spaces and no letters beyond ASCII: copy it again.';
    }
  });
  byId('sign-out').addEventListener('click', () => {
    signOut();
    field.focus();
  });
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault(); // the address holds the view
    byId('main').focus();
  });

  const kept = sessionStorage.getItem(storageName);
  if (kept) {
    signIn(kept, false);
  } else {
    show(false);
    field.focus({ preventScroll: true });
  }

  performance.mark('adclick-interactive');

  return signOut;
}
