// Hosts and ports as text, and the system's errors of listening in the words of nats-server's log.

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host stands for every interface. */
export function isAllInterfaces(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

/** Only this machine reaches the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
};

/**
 * Why the port could not be opened, as Go says it: harnesses look for these texts. `port` is the one asked
 * for, 0 when random.
 */
export function listenErrorText(error: unknown, host: string, port: number): string {
  if (port < 0 || port > 65535) return `listen tcp: address ${port}: invalid port`;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND') return `listen tcp: lookup ${host}: no such host`;
  return `listen tcp ${hostPort(host, port)}: ${REASONS[code ?? ''] ?? message}`;
}
