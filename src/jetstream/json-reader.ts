// Reads JSON as the server's decoder does: exact 64-bit integers, keys in any case, the last of equal keys.

/** A whole number: a bigint where a number would not be exact. */
export type Int = number | bigint;
