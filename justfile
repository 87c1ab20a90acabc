# Each recipe works from a bare clone; `npx --yes rust-just <recipe>` where just is not installed.
export PATH := justfile_directory() / "node_modules/.bin:" + env("PATH")

# The recipes.
default:
    @just --list

# What everything below needs.
install:
    @[ -x node_modules/.bin/bun ] || npm install --no-save --silent

# Server, page and the demo program in one terminal; ends with it.
dev: install
    bun src/cli.ts demo

# Format, lint and types.
check: install
    biome check --error-on-warnings .
    tsc -p .

# Writes what the formatter and the linter can mend by themselves.
fix: install
    biome check --write .

# Every test; what CI runs.
test:
    npm test --silent

# The volume: everything above, longer, and what takes real minutes.
test-all: install
    bun src/testing/suites.ts --all

# The self-hosted server in containers, on your Docker engine; as root on Debian without one, on one of its own.
containers: install
    CLAUDE_REMOTE_TEST_ALL=1 src/testing/containers/engine.sh bun test --timeout=30000 ./src/testing/containers

# Takes away the guards of the life of prompts, one by one, and tells what notices; or only those whose name has a word.
mutations *words: install
    nice -n 10 bun src/testing/mutations/run.ts {{ words }}

# Takes away the guards of the security cases, one by one, and sees that their tests fail; or only those of some cases.
guards *words: install
    nice -n 10 bun src/testing/guards/run.ts {{ words }}

# Writes the tables of docs/security.md and docs/limits.md anew, from the tests and the source.
tables: install
    bun src/testing/security/tables.ts

# Once a week: examines the newest claude on npm with every answer. Fails where something of it is not as it was.
claude-newest: install
    #!/usr/bin/env bash
    set -euo pipefail
    version=$(npm view @anthropic-ai/claude-code version)
    bun src/testing/fetch-claude.ts "$version"
    claude=$(bun -e 'console.log((await import("./src/testing/real-claude.ts")).claudePath(process.argv[1]))' "$version")
    CLAUDE_REMOTE_CLAUDE=$claude bun src/cli.ts doctor --claude --all

# One file: dist/claude-remote.
build:
    npm run --silent build

# The binary for every platform, with their sums: dist/release. Or for those that are named.
release *platforms: install
    bun src/release.ts {{ platforms }}

# The benchmarks, each beside its baseline in the same run.
bench: install
    bun bench/run.ts
