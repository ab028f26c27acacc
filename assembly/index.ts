// Every export of the module, from its doors. There handles come in, and STATUS_* or numbers go out.

export * from './door-core';
export * from './door-hooks';
export * from './door-routes';
export * from './door-sessions';
export * from './door-subscriptions';
