import { describe, expect, it } from 'vitest';
import { helpText, parseCommandLine } from './command-line.ts';

describe('the command line of a node', () => {
  it('hands settings on under their flags', () => {
    expect(parseCommandLine(['--config', 'a.yaml', '--limits.max-in-flight', '5'])).toEqual({
      action: 'run',
      json: false,
      file: 'a.yaml',
      flags: { '--limits.max-in-flight': '5' },
    });
  });

  it('refuses an option that does not exist, and points to the help', () => {
    expect(() => parseCommandLine(['--limits.max'])).toThrow(
      /CONFIG_INVALID: Unknown option '--limits\.max' \(see --help\)/,
    );
  });

  it('shows every setting with its variable in the help', () => {
    expect(helpText()).toMatch(/--storage\.device +FERRITE_NODE_STORAGE_DEVICE/);
    expect(parseCommandLine(['-h']).action).toBe('help');
  });
});
