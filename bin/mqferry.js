#!/usr/bin/env node
// Plain JavaScript that any Node can read: an old one is told so in one sentence.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 6)) {
  console.error(
    `mqferry needs Node 24.6 or newer, and this is Node ${process.versions.node}: install a newer Node, or run it by npx -p node@24 -p mqferry mqferry.`,
  );
  process.exit(78);
}
await import('../dist/src/cli/main.js');
