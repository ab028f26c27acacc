// What is loaded for a stream on disk (disk-code.ts).
export { openingFileStore } from '../store/file/file-store.ts';
export { Keeping } from './keeping.ts';
