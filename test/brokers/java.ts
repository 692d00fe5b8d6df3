/** How the tests get and run brokers that are written in Java: from Maven Central into a cache outside the repository. */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where fetched brokers are kept. */
export const brokerCache = join(homedir(), '.cache', 'mqferry-brokers');

/** The java to run: JAVA_HOME's, else the one in PATH. */
export const java = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java';

const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1';

/** Runs one goal of Maven's dependency plugin. Throws with Maven's own words when it fails. */
export async function fetchByMaven(goal: string, args: readonly string[]): Promise<void> {
  mkdirSync(brokerCache, { recursive: true });
  try {
    await promisify(execFile)('mvn', ['-q', '-B', ...args, `${dependencyPlugin}:${goal}`], { cwd: brokerCache, timeout: 600_000 });
  } catch (error) {
    throw new Error(`mvn ${goal} failed: ${(error as { stdout?: string }).stdout ?? ''}`, { cause: error });
  }
}
