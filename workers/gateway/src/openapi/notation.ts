import type { JsonSchema } from "./schema.ts";

/** Schemas by name, for references. */
export type Components = Readonly<Record<string, JsonSchema>>;

/** References are followed this deep; the schemas of the API are not deeper, and a recursive one must end. */
const maxDepth = 8;

/** The schema that a `$ref` stands for, also over several; any other schema is itself. */
export function resolved(schema: JsonSchema, components: Components, depth = 0): JsonSchema {
  const reference = schema.$ref;
  if (typeof reference !== "string" || depth > maxDepth) return schema;
  const { $ref: _, ...beside } = schema;
  const referred = components[reference.slice(reference.lastIndexOf("/") + 1)];
  return resolved({ ...referred, ...beside }, components, depth + 1);
}

/**
 * A schema as readers of JSON know it: the shape of the value, with what else holds as a comment at the line's end.
 * `"name"?:` marks what may be left out.
 */
export function notation(schema: JsonSchema, components: Components, indent = "", depth = 0): string {
  const { text, comment } = describe(schema, components, indent, depth);
  return comment === "" ? text : `${text}  // ${comment}`;
}

interface Described {
  readonly text: string;
  readonly comment: string;
}

function describe(reference: JsonSchema, components: Components, indent: string, depth: number): Described {
  const schema = resolved(reference, components);
  if (depth > maxDepth) return { text: "…", comment: "" };
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(alternatives)) return describeUnion(schema, alternatives, components, indent, depth);
  if ("const" in schema) return { text: JSON.stringify(schema.const), comment: comment(schema) };
  if (Array.isArray(schema.enum)) {
    return { text: schema.enum.map((value) => JSON.stringify(value)).join(" | "), comment: comment(schema) };
  }
  if (schema.type === "array") {
    const items = describe((schema.items ?? {}) as JsonSchema, components, indent, depth + 1);
    return { text: `[${items.text}, …]`, comment: [comment(schema), items.comment].filter(Boolean).join("; ") };
  }
  if (schema.type === "object") return describeObject(schema, components, indent, depth);
  return { text: typeName(schema.type), comment: comment(schema) };
}

function typeName(type: unknown): string {
  if (Array.isArray(type)) return type.join(" | ");
  return typeof type === "string" ? type : "any JSON";
}

function describeUnion(
  schema: JsonSchema,
  alternatives: readonly JsonSchema[],
  components: Components,
  indent: string,
  depth: number,
): Described {
  const described = alternatives.map((alternative) => describe(alternative, components, indent, depth + 1));
  const inline = described.every(({ text }) => !text.includes("\n"));
  const comments = inline ? described.map((one) => one.comment).filter((text) => text !== "") : [];
  return {
    text: described.map(({ text }) => text).join(inline ? " | " : `\n${indent}or\n${indent}`),
    comment: [comment(schema), ...comments].filter(Boolean).join("; "),
  };
}

function describeObject(schema: JsonSchema, components: Components, indent: string, depth: number): Described {
  const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>);
  const required = new Set((schema.required ?? []) as readonly string[]);
  const inner = `${indent}  `;
  const lines = properties.map(([name, property]) => {
    const { text, comment: note } = describe(property, components, inner, depth + 1);
    const line = `${inner}${JSON.stringify(name)}${required.has(name) ? "" : "?"}: ${text}`;
    return note === "" ? line : `${line}  // ${note}`;
  });
  const values = schema.additionalProperties;
  if (typeof values === "object" && values !== null) {
    lines.push(`${inner}"<name>": ${describe(values as JsonSchema, components, inner, depth + 1).text}`);
  }
  if (lines.length === 0) return { text: "{}", comment: comment(schema) };
  return { text: `{\n${lines.join("\n")}\n${indent}}`, comment: "" };
}

/** What a reader must know beside the type, in a few words. */
function comment(schema: JsonSchema): string {
  const notes: string[] = [];
  if (typeof schema.description === "string") notes.push(schema.description.replaceAll("\n", " "));
  const bounds = range(schema.minimum, schema.maximum) ?? range(schema.minItems, schema.maxItems, " items");
  if (bounds !== undefined) notes.push(bounds);
  if ("default" in schema) notes.push(`default ${JSON.stringify(schema.default)}`);
  return notes.join("; ");
}

function range(least: unknown, most: unknown, unit = ""): string | undefined {
  const [from, to] = [least, most].map((figure) =>
    typeof figure === "number" ? figure.toLocaleString("en") : undefined,
  );
  if (from !== undefined && to !== undefined) return `${from} to ${to}${unit}`;
  if (from !== undefined) return `at least ${from}${unit}`;
  return to === undefined ? undefined : `at most ${to}${unit}`;
}
