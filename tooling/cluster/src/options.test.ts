import { describe, expect, it } from 'vitest';
import { HELP, parseOptions } from './options.ts';

describe('the options of npm start', () => {
  it('default to .ferrite below the current directory, with restarts', () => {
    expect(parseOptions([], '/srv')).toEqual({ help: false, data: '/srv/.ferrite', restart: true });
  });

  it('take every flag of the help text', () => {
    const args = ['--nodes', '5', '--data', 'there', '--port-base', '9000', '--no-restart'];
    expect(parseOptions(args, '/srv')).toEqual({
      help: false,
      data: '/srv/there',
      nodes: 5,
      portBase: 9000,
      restart: false,
    });
    for (const flag of ['--nodes', '--data', '--port-base', '--no-restart', '--help']) expect(HELP).toContain(flag);
  });

  it.each([
    [['--nodes', '0'], '--nodes 0'],
    [['--nodes', 'three'], '--nodes three'],
    [['--port-base', '65535'], '--port-base 65535'],
    [['--nodez', '3'], '--nodez'],
    [['extra'], 'extra'],
  ])('refuse %j and say what is wrong', (args, word) => {
    expect(() => parseOptions(args, '/srv')).toThrow(
      expect.objectContaining({ reason: 'CONFIG_INVALID', message: expect.stringContaining(word) }),
    );
  });
});
