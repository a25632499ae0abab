import { parseArgs } from 'node:util';
import { StoreError } from '@ferrite/errors';
import { SETTINGS } from './config/settings.ts';

/** What the command line asks for. */
export interface CommandLine {
  readonly action: 'run' | 'check' | 'print-config' | 'doctor' | 'help' | 'version';
  readonly json: boolean;
  readonly file?: string;
  readonly flags: Readonly<Record<string, string>>;
}

/** Reads the arguments after the program's name. Throws `CONFIG_INVALID` for what it does not know. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const names = SETTINGS.map((setting) => setting.flag.slice(2));
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      strict: true,
      options: {
        config: { type: 'string', short: 'c' },
        check: { type: 'boolean' },
        'print-config': { type: 'boolean' },
        doctor: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      },
    }));
  } catch (cause) {
    const [message = ''] = (cause as Error).message.split('. ');
    throw new StoreError('CONFIG_INVALID', { message: `${message} (see --help)`, cause });
  }
  const flags: Record<string, string> = {};
  for (const name of names) {
    const text = values[name];
    if (typeof text === 'string') flags[`--${name}`] = text;
  }
  const actions = ['help', 'version', 'doctor', 'print-config', 'check'] as const;
  return {
    action: actions.find((action) => values[action] === true) ?? 'run',
    json: values['json'] === true,
    flags,
    ...(typeof values['config'] === 'string' && { file: values['config'] }),
  };
}

/** The text of --help. */
export function helpText(): string {
  return `ferrite-node: one node of a Ferrite cluster

Usage
  ferrite-node --config FILE [--SETTING VALUE]...

Options
  -c, --config FILE   settings as YAML
  --check             check the configuration and exit
  --print-config      print the configuration in force and exit
  --doctor [--json]   what this host can do, and how to mend what it cannot
  --version, -h, --help

Settings (flags win over environment variables, those over the file)
${SETTINGS.map((setting) => `  ${setting.flag.padEnd(34)} ${setting.env}`).join('\n')}

Exit codes
  0 stopped cleanly   1 failed   2 configuration is wrong   3 device is damaged or failed

Example
  ferrite-node --config n1.yaml --limits.max-in-flight 5000
`;
}
