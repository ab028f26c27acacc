// The clock of the product that a test turns by hand, under the name of what it is to most tests.
export { ManualClock as FakeClock } from '../../src/testing/manual-clock.ts';
