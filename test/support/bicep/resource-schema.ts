// Azure's resource types, in the form in which `azmcp bicepschema get` tells them.

import * as z from 'zod';

export type PropertySchema = { readonly type: string; readonly flags: ReadonlySet<string> };

/** An object, or several that a property tells apart. */
export type ObjectSchema = {
  readonly properties: ReadonlyMap<string, PropertySchema>;
  /** Type of what is not named. */
  readonly others: string | undefined;
  readonly variants:
    | { readonly by: string; readonly cases: ReadonlyMap<string, ReadonlyMap<string, PropertySchema>> }
    | undefined;
};

export type ResourceSchema = {
  readonly body: ObjectSchema;
  readonly types: ReadonlyMap<string, ObjectSchema>;
};

const Property = z.looseObject({ name: z.string(), type: z.string(), flags: z.string().optional() });

const AnyObject = z.looseObject({
  $type: z.literal('Object'),
  name: z.string(),
  properties: z.array(Property),
  additionalPropertiesType: z.unknown().optional(),
});

const AnyDiscriminated = z.looseObject({
  $type: z.literal('DiscriminatedObject'),
  name: z.string(),
  baseProperties: z.array(Property),
  elements: z.array(AnyObject),
  discriminator: z.string(),
});

const Body = z.discriminatedUnion('$type', [AnyObject, AnyDiscriminated]);

const Answer = z.looseObject({
  status: z.literal(200),
  results: z.looseObject({ BicepSchemaResult: z.array(z.unknown()) }),
});

const AnyResource = z.looseObject({ $type: z.literal('Resource'), bodyType: Body });

/** Takes the parsed answer of `azmcp bicepschema get`; undefined when it knows no such type. */
export function parseResourceSchema(answer: unknown): ResourceSchema | undefined {
  const parsed = Answer.safeParse(answer);
  if (!parsed.success) return undefined;
  const parts = parsed.data.results.BicepSchemaResult;
  const [resource] = parts.flatMap((part) => {
    const one = AnyResource.safeParse(part);
    return one.success ? [one.data] : [];
  });
  if (resource === undefined) return undefined;
  const types = new Map(
    parts.flatMap((part) => {
      const one = Body.safeParse(part);
      return one.success ? [[one.data.name, objectSchema(one.data)]] : [];
    }),
  );
  return { body: objectSchema(resource.bodyType), types };
}

function objectSchema(body: z.infer<typeof Body>): ObjectSchema {
  if (body.$type === 'Object') {
    const { additionalPropertiesType: others } = body;
    return {
      properties: propertySchemas(body.properties),
      others:
        others === undefined || others === null ? undefined : typeof others === 'string' ? others : 'any',
      variants: undefined,
    };
  }
  const by = body.discriminator;
  const cases = body.elements.map((element) => {
    const properties = propertySchemas(element.properties);
    return [properties.get(by)?.type ?? '', properties] as const;
  });
  return {
    properties: propertySchemas(body.baseProperties),
    others: undefined,
    variants: { by, cases: new Map(cases) },
  };
}

function propertySchemas(properties: readonly z.infer<typeof Property>[]): Map<string, PropertySchema> {
  return new Map(
    properties.map(({ name, type, flags = '' }) => [name, { type, flags: new Set(flags.split(', ')) }]),
  );
}
