import { type Components, resolved } from "./notation.ts";
import type { JsonSchema } from "./schema.ts";

/** A value that fits the schema: its example where it has one, else what is required of it. */
export function sample(reference: JsonSchema, components: Components): unknown {
  const schema = resolved(reference, components);
  const examples = schema.examples;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if ("default" in schema) return schema.default;
  if ("const" in schema) return schema.const;
  const choices = schema.enum ?? schema.oneOf ?? schema.anyOf;
  if (Array.isArray(choices))
    return schema.enum === undefined ? sample(choices[0] as JsonSchema, components) : choices[0];
  // Of `["string", "null"]` the type of a value that is there.
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case "object":
      return sampleObject(schema, components);
    case "array":
      return [sample((schema.items ?? {}) as JsonSchema, components)];
    case "integer":
    case "number":
      return typeof schema.minimum === "number" ? Math.max(1, schema.minimum) : 1;
    case "boolean":
      return true;
    default:
      return "…";
  }
}

function sampleObject(schema: JsonSchema, components: Components): Record<string, unknown> {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const value: Record<string, unknown> = {};
  for (const name of (schema.required ?? []) as readonly string[]) {
    const property = properties[name];
    if (property !== undefined) value[name] = sample(property, components);
  }
  return value;
}
