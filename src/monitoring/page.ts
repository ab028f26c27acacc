// The page at `/`: links to the endpoints that exist, for whoever opens the monitoring port in a browser.
import { escapeHtml } from './routes.ts';

export interface PageLink {
  readonly path: string;
  readonly title: string;
  readonly text: string;
}

const STYLE = `
  :root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6878; --line: #d8dee6; --mark: #1769aa;
    --ground: #fbfcfd; --card: #ffffff }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --soft: #9aa7b5; --line: #2f3a46;
    --mark: #6db3f2; --ground: #12171d; --card: #1a2129 } }
  * { box-sizing: border-box }
  body { margin: 0; background: var(--ground); color: var(--ink);
    font: 16px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
  main { max-width: 40rem; margin: 0 auto; padding: 3rem 1.25rem }
  h1 { margin: 0; font-size: 1.75rem; line-height: 1.2 }
  p { margin: .25rem 0 0; color: var(--soft) }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1.5rem 0 }
  dt { color: var(--soft) }
  dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, Menlo, Consolas, monospace;
    font-size: .875rem; line-height: 1.5rem }
  ul { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .5rem;
    background: var(--card) }
  li + li { border-top: 1px solid var(--line) }
  li a { display: flex; justify-content: space-between; gap: 1rem; padding: .75rem 1rem; color: inherit;
    text-decoration: none }
  li a:hover, li a:focus-visible { color: var(--mark) }
  code { color: var(--soft); font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .875rem }
  small { display: block; color: var(--soft) }`;

/** The document; `facts` are shown as pairs of a name and a value above the links, which begin with `base`. */
export function indexPage(
  serverName: string,
  facts: readonly (readonly [string, string])[],
  links: readonly PageLink[],
  base: string,
): string {
  const rows = facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`);
  const items = links.map(
    ({ path, title, text }) =>
      `<li><a href="${escapeHtml(encodeURI(base))}${path}"><span>${title}<small>${text}</small></span><code>${path}</code></a></li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escapeHtml(serverName)} · Ganglion</title>
<style>${STYLE}
</style>
</head>
<body>
<main>
<h1>Ganglion</h1>
<p>A NATS server in one process</p>
<dl>
${rows.join('\n')}
</dl>
<ul>
${items.join('\n')}
</ul>
</main>
</body>
</html>
`;
}
