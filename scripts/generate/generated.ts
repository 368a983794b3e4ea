/** A file that is made from others and committed all the same, for readers, editors and deployments. */
export interface Generated {
  /** Its path from the root of the repository. */
  readonly path: string;
  /** Its text as it should be. */
  content(): Promise<string>;
}
