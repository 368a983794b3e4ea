import { z } from "zod";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Where named schemas stand in the document. */
const home = "#/components/schemas/";

/**
 * Collects JSON Schemas for an OpenAPI 3.1 document, whose dialect they are (2020-12). zod converts its own schemas; those
 * with an `id` become components.
 */
export class SchemaCollector {
  readonly components: Record<string, JsonSchema> = {};

  /** The schema, or a reference to it when it has an id. */
  add(schema: z.ZodType): JsonSchema {
    const { $defs, $schema: _, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", override });
    for (const [name, component] of Object.entries($defs ?? {})) {
      if (!isUnnamed(name)) this.components[name] = relocated(component);
    }
    const id = z.globalRegistry.get(schema)?.id;
    if (id === undefined) return relocated(json);
    // A schema that refers to itself or has an id stands among the definitions already, and `json` only refers to it.
    if (!("$ref" in json)) this.components[id] = relocated(json);
    return { $ref: home + id };
  }
}

/** zod's conversion with what it leaves behind put right. */
function override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
  const json = jsonSchema as Record<string, unknown>;
  // z.json() is recursive by a getter; in JSON Schema any value is simply no restriction.
  if (zodSchema._zod.def.type === "lazy") for (const name of Object.keys(json)) delete json[name];
  // Every z.int() would be bounded by what a double holds exactly, which helps no reader.
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if ("example" in json) {
    json.examples = [json.example];
    delete json.example;
  }
}

/** Whether zod made the name up, which it does for z.json(). */
function isUnnamed(definition: string): boolean {
  return definition.startsWith("__schema");
}

/** The schema without its id, and with references to where the document keeps components. */
function relocated(value: unknown): JsonSchema {
  const text = JSON.stringify(value, (name, member: unknown) => {
    if (name === "id" && typeof member === "string") return undefined;
    if (name !== "$ref" || typeof member !== "string") return member;
    const definition = member.replace("#/$defs/", "");
    return isUnnamed(definition) ? undefined : home + definition;
  });
  return JSON.parse(text) as JsonSchema;
}
