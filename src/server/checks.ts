// Single values of options, checked at the door: what is wrong is told with the field's name.
import { InvalidArgumentError } from '../shared/errors.ts';

export function port(name: string, value: unknown): number {
  return Math.max(0, integer(name, value, [-1, 65_535]));
}

export function integer(
  name: string,
  value: unknown,
  [min, max]: readonly [number, number],
): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  const wanted = `must be a whole number from ${min} to ${max}`;
  throw InvalidArgumentError.format(name, `${wanted}, not ${shown(value)}`);
}

export function boolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw InvalidArgumentError.format(name, `must be true or false, not ${shown(value)}`);
}

export function text(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw InvalidArgumentError.format(name, `must be a string, not ${shown(value)}`);
}

export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
