// Reads transcripts: Markdown files whose `##` sections are cases and whose `nats` blocks are
// conversations. The format is described in README.md beside this file.
// Bytes are strings of latin1 characters, so that every byte can be written and compared.

/** One line of a conversation. `line` is its number in the file. */
export type Step =
  | { readonly kind: 'send'; readonly peer: string; readonly bytes: string; readonly line: number }
  | {
      readonly kind: 'receive';
      /** More than one: exactly one of them receives it. */
      readonly peers: readonly string[];
      /** The literal pieces between wildcards; a single piece is the whole text. */
      readonly parts: readonly string[];
      readonly line: number;
    }
  | { readonly kind: 'closed'; readonly peer: string; readonly line: number };

export interface Conversation {
  /** Options of the server, with the names of the NATS configuration file. */
  readonly options: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export interface Case {
  /** Name of the file without its ending. */
  readonly feature: string;
  readonly title: string;
  readonly line: number;
  /** What our server does. */
  readonly conversation: Conversation;
  /** What nats-server does: the same object unless the case diverges. */
  readonly reference: Conversation;
  /** Why we differ on purpose. */
  readonly diverges: string | undefined;
}

interface Section {
  title: string;
  line: number;
  diverges: string | undefined;
  blocks: Map<string, Conversation>;
}

/**
 * All cases of one transcript.
 *
 * @param feature name of the file without its ending
 * @throws with the file and line of whatever is not in the format
 */
export function parseTranscript(feature: string, markdown: string): Case[] {
  const sections: Section[] = [];
  const lines = markdown.split('\n');
  let index = 0;
  while (index < lines.length) {
    const text = lines[index] ?? '';
    const section = sections.at(-1);
    const where = `${feature}.md:${index + 1}`;
    const title = /^## (.+)$/.exec(text)?.[1];
    const reason = /^<!-- diverges: (.+) -->$/.exec(text)?.[1];
    const fence = /^```(nats(?: reference)?)$/.exec(text)?.[1];
    index += 1;
    if (title !== undefined) {
      sections.push({ title, line: index, diverges: undefined, blocks: new Map() });
    } else if (reason !== undefined) {
      if (section === undefined) throw new Error(`${where}: a divergence before the first case`);
      section.diverges = reason;
    } else if (fence !== undefined) {
      const end = lines.indexOf('```', index);
      if (section === undefined || end < 0) throw new Error(`${where}: a stray block`);
      if (section.blocks.has(fence)) throw new Error(`${where}: a second ${fence} block`);
      section.blocks.set(fence, parseConversation(feature, lines.slice(index, end), index + 1));
      index = end + 1;
    }
  }
  return sections.map((section) => toCase(feature, section));
}

function toCase(feature: string, section: Section): Case {
  const { title, line, diverges, blocks } = section;
  const where = `${feature}.md:${line}`;
  const conversation = blocks.get('nats');
  if (conversation === undefined) throw new Error(`${where}: a case without a nats block`);
  const reference = blocks.get('nats reference');
  if ((reference === undefined) !== (diverges === undefined)) {
    throw new Error(`${where}: a divergence needs a reason and a "nats reference" block`);
  }
  return { feature, title, line, conversation, reference: reference ?? conversation, diverges };
}

function parseConversation(feature: string, lines: readonly string[], first: number): Conversation {
  const options: Record<string, string> = {};
  const steps: Step[] = [];
  for (const [index, text] of lines.entries()) {
    const where = `${feature}.md:${first + index}`;
    if (text === '') continue;
    if (text.startsWith('server: ')) {
      if (steps.length > 0) throw new Error(`${where}: server options come first`);
      for (const pair of text.slice('server: '.length).trim().split(/\s+/)) {
        const [, key, value] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
        if (key === undefined || value === undefined)
          throw new Error(`${where}: "${pair}" is not key=value`);
        options[key] = value;
      }
      continue;
    }
    steps.push(parseStep(text, first + index, where));
  }
  return { options, steps };
}

function parseStep(text: string, line: number, where: string): Step {
  const sent = /^([A-Za-z])>(?: (.*))?$/.exec(text);
  if (sent !== null) {
    return { kind: 'send', peer: sent[1] ?? '', bytes: bytesOf(sent[2] ?? '', where), line };
  }
  const received = /^([A-Za-z](?:\|[A-Za-z])*)<(?: (.*))?$/.exec(text);
  if (received !== null) {
    const peers = (received[1] ?? '').split('|');
    const parts = (received[2] ?? '').split('…');
    const last = parts.length - 1;
    const bytes = parts.map((part, i) =>
      i === last ? bytesOf(part, where) : bytesFrom(part, where),
    );
    if (last > 0 && !bytes[last]?.endsWith('\n')) {
      throw new Error(`${where}: a wildcard needs the end of its line`);
    }
    return { kind: 'receive', peers, parts: bytes, line };
  }
  const closed = /^([A-Za-z])\| closed$/.exec(text)?.[1];
  if (closed !== undefined) return { kind: 'closed', peer: closed, line };
  throw new Error(`${where}: "${text}" is no line of a conversation`);
}

/** A single backslash at the end says that the line has no CRLF. */
function bytesOf(text: string, where: string): string {
  const backslashes = /\\*$/.exec(text)?.[0].length ?? 0;
  if (backslashes % 2 === 1) return bytesFrom(text.slice(0, -1), where);
  return `${bytesFrom(text, where)}\r\n`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  r: '\r',
  n: '\n',
  t: '\t',
  '0': '\0',
  '\\': '\\',
};

function bytesFrom(text: string, where: string): string {
  const strange = /[^\0-\xff]/.exec(text)?.[0];
  if (strange !== undefined) throw new Error(`${where}: write ${strange} as bytes, \\xHH`);
  const marks = /\{(?<unit>[^{}"]+)\*(?<count>\d+)\}|\\(?<name>x[0-9a-fA-F]{2}|.?)/g;
  return text.replace(marks, (...found) => {
    const { unit, count, name = '' }: Record<string, string | undefined> = found.at(-1);
    if (unit !== undefined) return bytesFrom(unit, where).repeat(Number(count));
    if (name.startsWith('x')) return String.fromCharCode(Number.parseInt(name.slice(1), 16));
    const byte = ESCAPES[name];
    if (byte === undefined) throw new Error(`${where}: unknown escape \\${name}`);
    return byte;
  });
}
