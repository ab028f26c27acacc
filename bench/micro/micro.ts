export async function runMicro(_options: object): Promise<void> {}
