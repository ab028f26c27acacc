// What a message counts for, as the storage that its stream names would hold it.
// Source: nats-server 2.15.3, server/filestore.go, fileStoreMsgSizeRaw; server/memstore.go, memStoreMsgSizeRaw.

/** @param bodyBytes of header block and payload */
export function storedBytes(
  storage: 'file' | 'memory',
  subjectBytes: number,
  hasHeaders: boolean,
  bodyBytes: number,
): number {
  if (storage === 'memory') return subjectBytes + bodyBytes + 16;
  return subjectBytes + bodyBytes + (hasHeaders ? 34 : 30);
}
