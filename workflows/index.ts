/** Every workflow, for the workers' bundle. */

export { deleteCompany } from './deleteCompany.js';
export { exportReviewed } from './exportReviewed.js';
export { housekeeping } from './housekeeping.js';
export { initialBackfill } from './initialBackfill.js';
export { outbox } from './outbox.js';
export { paymentImport } from './paymentImport.js';
export { preview } from './preview.js';
export { secondLook } from './secondLook.js';
export { nightly, payments, weekly } from './starters.js';
export { sync } from './sync.js';
export { webhookFetch } from './webhookFetch.js';
