// @ts-check
// An answer of the server that is asked for now and again while someone looks.
import { aborted, get, sentence } from './api.js';
import { paused } from './store.js';
import { useEffect, useState, useValue } from './ui.js';

/**
 * The newest answer, or what went wrong; what was there stays in sight while the next is asked for.
 * @param {string | null} path nothing is asked for where it is null
 * @param {number} [everyMs] 0 for once
 * @returns {{ body: any, problem: string, again: () => void }}
 */
export function useAsked(path, everyMs = 0) {
  const [found, setFound] = useState(/** @type {{ path: string | null, body: any }} */ ({ path: null, body: null }));
  const [problem, setProblem] = useState('');
  const [times, setTimes] = useState(0);
  const still = useValue(paused);
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    const ask = () => {
      if (document.hidden) return;
      get(path, stop.signal)
        .then((body) => {
          setFound({ path, body });
          setProblem('');
        })
        .catch((error) => aborted(error) || setProblem(sentence(error)));
    };
    ask();
    const timer = everyMs && !still ? setInterval(ask, everyMs) : undefined;
    document.addEventListener('visibilitychange', ask);
    return () => {
      clearInterval(timer);
      stop.abort();
      document.removeEventListener('visibilitychange', ask);
    };
  }, [path, everyMs, times, still]);
  return { body: found.path === path ? found.body : null, problem, again: () => setTimes(times + 1) };
}
