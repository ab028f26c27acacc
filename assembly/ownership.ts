// Debug builds: a map of who owns each word of linear memory, and the accesses that are asserted against it.
// With --noAssert nothing of it is left: `read` is a load, `write` a store.
//
//   memory   [ record 1 of an arena ][ record 2, freed ][ slots of a table …        ][ never given out ]
//   map        S' S  S  S  S  S  S    A' A  A  A  A  A    L' L  L  L  L  L  L  L  L    0  0  0  0  0
//
// One byte for each word of four; ' marks where a claim begins. So a record's address is right only where one
// begins, a span may not run from one block into the next, and what is freed belongs to somebody else at once.
// The map lies in pages of its own, made as the heap grows: 16 KiB for each 64 KiB. They belong to nobody.

/** Whose a word is. */
export const OWNER_NONE: u32 = 0;
/** Data of the compiler: constant text, and tables whose indices are asserted where they are used. */
export const OWNER_STATIC: u32 = 1;
export const OWNER_KEYS: u32 = 2;
export const OWNER_INBOX: u32 = 3;
export const OWNER_RESULT: u32 = 4;
export const OWNER_SCRATCH: u32 = 5;
export const OWNER_OP: u32 = 6;
export const OWNER_TAKE: u32 = 7;
/** A block that JS has asked for. */
export const OWNER_PROGRAM: u32 = 8;
/** Table and block list of an arena, and its records that are free. */
export const OWNER_ARENA: u32 = 9;
export const OWNER_TABLE: u32 = 10;
export const OWNER_SLOTS: u32 = 11;
/** Text of nodes, sids, cached subjects. */
export const OWNER_TEXT: u32 = 12;
export const OWNER_MEMBERS: u32 = 13;
export const OWNER_MATCHED: u32 = 14;
export const OWNER_ENTRIES: u32 = 15;
export const OWNER_ROUTE: u32 = 16;
export const OWNER_HEAD: u32 = 17;
/** A slab of the pool, where no chunk of it is lent. */
export const OWNER_SLAB_BYTES: u32 = 18;
/** What a chunk that is lent may be filled with. */
export const OWNER_FRAMES: u32 = 19;
/** The log of changes in watched accounts. */
export const OWNER_CHANGES: u32 = 20;
export const OWNER_PUBLISH: u32 = 21;
export const OWNER_WALK: u32 = 22;
// Records that live.
export const OWNER_ACCOUNT: u32 = 32;
export const OWNER_NODE: u32 = 33;
export const OWNER_GROUP: u32 = 34;
export const OWNER_SUB: u32 = 35;
export const OWNER_SESSION: u32 = 36;
export const OWNER_SEGMENT: u32 = 37;
export const OWNER_SLAB: u32 = 38;
export const OWNER_CHUNK: u32 = 39;
export const OWNER_QUEUE_NAME: u32 = 40;

/** Debug builds ask for so much more with each block, and leave it unowned. */
export const GAP_BYTES: u32 = ASC_NO_ASSERT ? 0 : 64;
const BEGIN: u32 = 0x80;
const PAGE_BITS: usize = 16;
const PAGE_MAP_BYTES: usize = 16384;
const PAGES: usize = 65536;
/** What is freed is filled with it: no number that it gives is an address or a handle. */
const POISON: u8 = 0xdb;

// Address of each page's map, 0 = it has none.
let maps: usize = 0;
let mappedPages: usize = 0;

/** Bytes that the map needs before the memory up to `end` can be claimed. */
export function mapBytes(end: usize): usize {
  if (ASC_NO_ASSERT) return 0;
  const pages = (end + 0xffff) >> PAGE_BITS;
  const table = maps == 0 ? PAGES << 2 : 0;
  return table + (pages > mappedPages ? (pages - mappedPages) * PAGE_MAP_BYTES : 0);
}

/** Takes as many zeros as `mapBytes` said, at `ptr`. */
export function mapExtend(end: usize, ptr: usize): void {
  if (ASC_NO_ASSERT) return;
  if (maps == 0) {
    maps = ptr;
    ptr += PAGES << 2;
  }
  for (const pages = (end + 0xffff) >> PAGE_BITS; mappedPages < pages; mappedPages++) {
    store<u32>(maps + (mappedPages << 2), <u32>ptr);
    ptr += PAGE_MAP_BYTES;
  }
}

function markAt(ptr: usize): u32 {
  const page = ptr >> PAGE_BITS;
  if (page >= mappedPages) return OWNER_NONE;
  return load<u8>(<usize>load<u32>(maps + (page << 2)) + ((ptr & 0xffff) >> 2));
}

// Whole words; the last one of an odd length belongs to it, too.
function mark(ptr: usize, bytes: usize, owner: u32): void {
  const end = ptr + bytes;
  assert((ptr & 3) == 0 && end >= ptr && (end + 0xffff) >> PAGE_BITS <= mappedPages);
  while (ptr < end) {
    const pageEnd = min<usize>(end, (ptr | 0xffff) + 1);
    const map = <usize>load<u32>(maps + ((ptr >> PAGE_BITS) << 2)) + ((ptr & 0xffff) >> 2);
    memory.fill(map, <u8>owner, (pageEnd - ptr + 3) >> 2);
    ptr = pageEnd;
  }
}

function claim(ptr: usize, bytes: usize, owner: u32): void {
  mark(ptr, bytes, owner);
  if (bytes == 0 || owner == OWNER_NONE) return;
  const map = <usize>load<u32>(maps + ((ptr >> PAGE_BITS) << 2)) + ((ptr & 0xffff) >> 2);
  store<u8>(map, <u8>(owner | BEGIN));
}

function disclaim(ptr: usize, bytes: usize, owner: u32): void {
  assert((markAt(ptr) & BEGIN) != 0 && (markAt(ptr) & ~BEGIN) != owner);
  assert(isOwned(ptr, bytes, markAt(ptr) & ~BEGIN));
  memory.fill(ptr, POISON, bytes);
  claim(ptr, bytes, owner);
}

// Whether they all lie in one claim of that owner.
function isOwned(ptr: usize, bytes: usize, owner: u32): bool {
  const end = ptr + bytes;
  if (owner == OWNER_NONE || end < ptr || (markAt(ptr) & ~BEGIN) != owner) return false;
  for (let at = (ptr & ~3) + 4; at < end; at += 4) {
    if (markAt(at) != owner) return false;
  }
  return true;
}

function isReadable(ptr: usize, bytes: usize, spare: usize): bool {
  const end = ptr + bytes + spare;
  if (ptr == 0 || end < ptr || end > (<usize>memory.size()) << 16) return false;
  return bytes == 0 || isOwned(ptr, bytes, markAt(ptr) & ~BEGIN);
}

/** Things in memory and whose they are. */
export class Owned {
  /** From now on these bytes are one thing of that owner. */
  @inline
  static claim(ptr: usize, bytes: usize, owner: u32): void {
    if (!ASC_NO_ASSERT) claim(ptr, bytes, owner);
  }

  /** The thing goes to another owner, and nothing is left of what it said. */
  @inline
  static disclaim(ptr: usize, bytes: usize, owner: u32): void {
    if (!ASC_NO_ASSERT) disclaim(ptr, bytes, owner);
  }

  /** A living record of that owner begins here. */
  @inline
  static assertRecord(ptr: usize, owner: u32): void {
    if (!ASC_NO_ASSERT) assert(markAt(ptr) == (owner | BEGIN) && (ptr & 3) == 0);
  }

  /** These bytes lie in one thing of that owner. */
  @inline
  static assertSpan(ptr: usize, bytes: usize, owner: u32): void {
    if (!ASC_NO_ASSERT) assert(bytes == 0 || isOwned(ptr, bytes, owner));
  }

  /** These bytes lie in one thing, whoever owns it. */
  @inline
  static assertWritable(ptr: usize, bytes: usize): void {
    if (!ASC_NO_ASSERT) assert(bytes == 0 || isOwned(ptr, bytes, markAt(ptr) & ~BEGIN));
  }

  /** The same, and `spare` bytes behind it (read, never judged) lie in memory. */
  @inline
  static assertReadable(ptr: usize, bytes: usize, spare: usize): void {
    if (!ASC_NO_ASSERT) assert(isReadable(ptr, bytes, spare));
  }

  /** Loads from a thing of that owner. */
  @inline
  static read<T>(ptr: usize, owner: u32): T {
    if (!ASC_NO_ASSERT) assert(isOwned(ptr, sizeof<T>(), owner));
    return load<T>(ptr);
  }

  /** Stores into a thing of that owner. */
  @inline
  static write<T>(ptr: usize, value: T, owner: u32): void {
    if (!ASC_NO_ASSERT) assert(isOwned(ptr, sizeof<T>(), owner));
    store<T>(ptr, value);
  }

  /** Fills a span of one owner with zeros. */
  @inline
  static clear(ptr: usize, bytes: usize, owner: u32): void {
    if (!ASC_NO_ASSERT) assert(isOwned(ptr, bytes, owner));
    memory.fill(ptr, 0, bytes);
  }
}

// ── The open frame ────────────────────────────────────────────────────────────────────────────────

let framePtr: usize = 0;
let frameEnd: usize = 0;

function isOpen(ptr: usize, bytes: usize): bool {
  const end = ptr + bytes;
  if (ptr < framePtr || end > frameEnd || end < ptr) return false;
  return bytes == 0 || isOwned(ptr, bytes, OWNER_FRAMES);
}

/** The room that `outboundReserve` has given, up to `outboundCommit`. */
export class Frame {
  @inline
  static open(ptr: usize, bytes: usize): void {
    if (!ASC_NO_ASSERT) {
      framePtr = ptr;
      frameEnd = ptr + bytes;
    }
  }

  @inline
  static close(): void {
    if (!ASC_NO_ASSERT) framePtr = frameEnd = 0;
  }

  /** These bytes lie in it. */
  @inline
  static assertOpen(ptr: usize, bytes: usize): void {
    if (!ASC_NO_ASSERT) assert(isOpen(ptr, bytes));
  }

  /** Stores into it. */
  @inline
  static write<T>(ptr: usize, value: T): void {
    if (!ASC_NO_ASSERT) assert(isOpen(ptr, sizeof<T>()));
    store<T>(ptr, value);
  }
}
