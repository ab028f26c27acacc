// What we are and what we announce. Clients switch features on by the announced version, so it is that of
// the nats-server whose behaviour this server has, not the package's own.

/** The package's own version; equal to package.json's. */
export const VERSION = '0.1.0';
/** The nats-server version announced in INFO and `/varz`. */
export const ANNOUNCED_VERSION = '2.15.3';
/** The protocol level of INFO. */
export const PROTO = 1;
/** JetStream API level announced in INFO. */
export const API_LEVEL = 0;
/**
 * The nats-server version that JetStream announces where clients read it: with API level 0 it is the last one before
 * features that streams and consumers do not have yet.
 */
export const JETSTREAM_VERSION = '2.10.29';
