/** A process of its own that reads or makes the token of a file, for the test of races. */
import { realIds } from '../../src/ambient/ids.ts';
import { readOrMakeToken } from '../../src/security/token-files.ts';

const path = process.argv[2];
if (path === undefined) throw new Error('give the path of a token file');
process.stdout.write(JSON.stringify(await readOrMakeToken(path, realIds())));
