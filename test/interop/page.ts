// A page in headless Chromium, served from here; what its scripts report comes back by POST.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';

export interface PageOptions {
  readonly chromium: string;
  /** Text of the page. */
  readonly html: string;
  /** Its scripts, by path. */
  readonly scripts: Readonly<Record<string, string>>;
  /** The Content-Security-Policy, if it has one. */
  readonly policy?: string;
  /** Names under which reports are waited for. */
  readonly reports: readonly string[];
}

const TIMEOUT_MS = 50_000;
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
];

/** Opens the page and resolves with its reports; rejects with the browser's output when they do not come. */
export async function openPage(options: PageOptions): Promise<Record<string, string>> {
  const reports = new Map<string, string>();
  let onReport = (): void => {};
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (request.method !== 'POST') {
      answer(response, path, options);
      return;
    }
    let text = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      response.end();
      reports.set(path.replace('/report/', ''), text);
      onReport();
    });
  });
  const profile = mkdtempSync(join(tmpdir(), 'ganglion-chromium-'));
  let browser: Child | undefined;
  try {
    const url = `http://127.0.0.1:${await listen(server)}/`;
    browser = startChild(options.chromium, [...FLAGS, `--user-data-dir=${profile}`, url]);
    await allReported(browser, options.reports, reports, (fn) => {
      onReport = fn;
    });
    return Object.fromEntries(reports);
  } finally {
    await browser?.close();
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function answer(response: ServerResponse, path: string, options: PageOptions): void {
  const { policy, html, scripts } = options;
  const script = scripts[path.slice(1)];
  if (path !== '/' && script === undefined) {
    response.writeHead(404).end();
    return;
  }
  const type = script === undefined ? 'text/html' : 'text/javascript';
  response.setHeader('content-type', `${type}; charset=utf-8`);
  if (policy !== undefined) response.setHeader('content-security-policy', policy);
  response.end(script ?? html);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function allReported(
  browser: Child,
  names: readonly string[],
  reports: ReadonlyMap<string, string>,
  watch: (fn: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      const lacking = names.filter((name) => !reports.has(name)).join(', ');
      reject(new Error(`no report of ${lacking}: ${why}\n${browser.output()}`));
    };
    const timer = setTimeout(() => fail(`${TIMEOUT_MS} ms passed`), TIMEOUT_MS);
    watch(() => {
      if (!names.every((name) => reports.has(name))) return;
      clearTimeout(timer);
      resolve();
    });
    void browser.exited.then((exit) => fail(`it ended with ${exit.signal ?? exit.code}`));
  });
}
