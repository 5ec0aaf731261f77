#!/bin/sh
# Fetches the list of declared crawlers from the npm package crawler-user-agents (MIT) and cuts it to what AdClick needs.
# Usage: ./update.sh [VERSION]      needs npm and node
# Afterwards run the tests DeclaredBotsTests: they say if own.txt no longer fits, or if a browser is taken for a bot.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack "crawler-user-agents@${1:-latest}" --silent --pack-destination "$work" > /dev/null
tar -xzf "$work"/crawler-user-agents-*.tgz -C "$work"
cp "$work/package/LICENSE" crawlers.LICENSE
node - "$work/package" <<'JS'
const fs = require('fs');
const folder = process.argv[2];
const { version } = JSON.parse(fs.readFileSync(`${folder}/package.json`));
const list = JSON.parse(fs.readFileSync(`${folder}/crawler-user-agents.json`));
const head = what => `# ${what} of npm package crawler-user-agents ${version}, github.com/monperrus/crawler-user-agents.\n`
  + '# MIT licence: crawlers.LICENSE. Written by update.sh; changes of our own belong in own.txt.\n';
const write = (file, what, lines) => {
  if (lines.some(line => line === '' || /[\r\n]/.test(line))) throw new Error(`${file}: a line is empty or has a line break`);
  fs.writeFileSync(file, head(what) + lines.join('\n') + '\n');
};
write('crawlers.txt', 'The patterns (regular expressions, one a line)', list.map(entry => entry.pattern));
write('crawler-examples.txt', 'The examples (user agents, one a line; for the tests)', list.flatMap(entry => entry.instances ?? []));
console.log(`crawler-user-agents ${version}: ${list.length} patterns`);
JS
