/** The end of the build: what tsc leaves out. The workflows in one file, and the migrations beside their reader. */
import { cp, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const built = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

await cp(fileURLToPath(new URL('../../db/migrations', import.meta.url)), built('db/migrations'), { recursive: true });
const { code } = await bundleWorkflowCode({
  workflowsPath: built('workflows/index.js'),
  logger: new DefaultLogger('WARN'),
});
await writeFile(built('workflows.bundle.js'), code);
