/** All rules, by the sentence that says what each one asks. */
import { checkDocs } from './docs.ts';
import { checkCatches, checkSilencing, checkTests } from './habits.ts';
import { checkImports } from './imports.ts';
import { checkExits, checkPrinting, checkPurity } from './purity.ts';
import { checkSizes } from './sizes.ts';
import type { Check } from './source.ts';

/** Every rule that looks at one file at a time. */
export const checks: Readonly<Record<string, Check>> = {
  'a room imports only what its row of the table allows': checkImports,
  'files and functions stay short': checkSizes,
  'pure rooms take time, chance and the world as parameters': checkPurity,
  'one file prints': checkPrinting,
  'only the command line ends the process': checkExits,
  'no error is swallowed': checkCatches,
  'the compiler is not silenced and no work is left undone': checkSilencing,
  'tests run and test something': checkTests,
  'what is exported has a docstring': checkDocs,
};
