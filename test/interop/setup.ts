// Before the first interoperation test: makes the tools and hands them to the tests. After the last: one line
// for each thing that was not found, so that a green run says what it has not shown.
import type { TestProject } from 'vitest/node';
import { serverUnderTest } from './server.ts';
import { missing, prepareTools, type Tools } from './tools.ts';

declare module 'vitest' {
  interface ProvidedContext {
    tools: Tools;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const tools = await prepareTools();
  project.provide('tools', tools);
  return () => {
    const reasons = Object.values(tools).flatMap((found) => missing(found) ?? []);
    const lines = [`server under test: ${serverUnderTest()}`, ...reasons];
    if (reasons.length === 0) lines.push('every client and tool was found');
    process.stdout.write(`\ninterop: ${lines.join('\ninterop: ')}\n`);
  };
}
