import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { Properties, PropertyType, TypeTable } from "./property-types.ts";

type Interfaces = ReadonlyMap<string, ts.InterfaceDeclaration>;

const keywords: ReadonlyMap<ts.SyntaxKind, PropertyType> = new Map([
  [ts.SyntaxKind.StringKeyword, "string"],
  [ts.SyntaxKind.NumberKeyword, "number"],
  [ts.SyntaxKind.BooleanKeyword, "boolean"],
  [ts.SyntaxKind.AnyKeyword, "any"],
]);

/**
 * Reads the declarations of the package by their syntax alone: they are generated, and so all of one form.
 *
 * @param directory of the package
 * @throws Error that names a token without declarations, or a type of a form that is not known
 */
export function readTypes(directory: string, tokens: readonly string[]): TypeTable {
  const reader = new TypeReader(directory);
  const members = Object.fromEntries(tokens.map((token) => [token, reader.member(token)]));
  return { members, objects: reader.objects };
}

class TypeReader {
  readonly objects: Record<string, Properties> = {};
  readonly #directory: string;
  readonly #named: Readonly<Record<string, Interfaces>>;

  constructor(directory: string) {
    this.#directory = directory;
    this.#named = {
      inputs: interfacesOf(join(directory, "types/input.d.ts")),
      outputs: interfacesOf(join(directory, "types/output.d.ts")),
    };
  }

  /** @param token such as `aws:ec2/instance:Instance` */
  member(token: string): { inputs: Properties; outputs: Properties } {
    const [, module = "", name = ""] = /^aws:([\w/]+):(\w+)$/.exec(token) ?? [];
    const interfaces = interfacesOf(join(this.#directory, `${module.replace(/^index\//, "")}.d.ts`));
    const isFunction = name.startsWith("get");
    const base = isFunction ? name[0]?.toUpperCase() + name.slice(1) : name;
    const inputs = interfaces.get(`${base}Args`);
    const outputs = interfaces.get(base + (isFunction ? "Result" : "State"));
    // A function without arguments declares none.
    if (outputs === undefined || (inputs === undefined && !isFunction)) {
      throw new Error(`@pulumi/aws declares no ${token}`);
    }
    return {
      inputs: inputs === undefined ? {} : this.#properties(inputs),
      outputs: this.#properties(outputs),
    };
  }

  #properties(declaration: ts.InterfaceDeclaration): Properties {
    const signatures = declaration.members.filter((member) => ts.isPropertySignature(member));
    return Object.fromEntries(
      signatures.map(({ name, type, questionToken }) => {
        if (type === undefined) throw new Error(`${name.getText()} has no type`);
        return [nameOf(name), { type: this.#type(type), required: questionToken === undefined }];
      }),
    );
  }

  #type(node: ts.TypeNode): PropertyType {
    const keyword = keywords.get(node.kind);
    if (keyword !== undefined) return keyword;
    if (ts.isArrayTypeNode(node)) return { list: this.#type(node.elementType) };
    if (ts.isParenthesizedTypeNode(node)) return this.#type(node.type);
    if (ts.isUnionTypeNode(node)) return this.#union(node);
    if (ts.isTypeLiteralNode(node)) {
      const [member] = node.members;
      if (member !== undefined && ts.isIndexSignatureDeclaration(member))
        return { map: this.#type(member.type) };
    }
    if (ts.isTypeReferenceNode(node)) return this.#reference(node);
    throw new Error(`the type ${node.getText()} is of an unknown form`);
  }

  #union(node: ts.UnionTypeNode): PropertyType {
    const types = node.types
      .filter((type) => type.kind !== ts.SyntaxKind.UndefinedKeyword)
      .map((type) => this.#type(type));
    const different = new Map(types.map((type) => [JSON.stringify(type), type]));
    const [only, ...more] = different.values();
    if (only === undefined) throw new Error(`the type ${node.getText()} has no members`);
    return more.length === 0 ? only : { oneOf: [only, ...more] };
  }

  #reference(node: ts.TypeReferenceNode): PropertyType {
    const name = node.typeName.getText();
    const [argument] = node.typeArguments ?? [];
    if (name === "pulumi.Input" && argument !== undefined) return this.#type(argument);
    if (name.startsWith("pulumi.asset.")) return "any";
    const [file = "", ...path] = name.split(".");
    const interfaces = this.#named[file];
    // What is left are enumerations of texts, and resources, in whose place goes their id.
    if (interfaces === undefined) return "string";
    if (!(name in this.objects)) {
      const declaration = interfaces.get(path.join("."));
      if (declaration === undefined) throw new Error(`@pulumi/aws declares no ${name}`);
      // Types may contain themselves.
      this.objects[name] = {};
      this.objects[name] = this.#properties(declaration);
    }
    return { object: name };
  }
}

function nameOf(name: ts.PropertyName): string {
  return ts.isStringLiteral(name) ? name.text : name.getText();
}

/** The interfaces of a file, those of a namespace as `namespace.Name`. */
function interfacesOf(file: string): Map<string, ts.InterfaceDeclaration> {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const found = new Map<string, ts.InterfaceDeclaration>();
  const collect = (statements: readonly ts.Statement[], prefix: string): void => {
    for (const statement of statements) {
      if (ts.isInterfaceDeclaration(statement)) found.set(prefix + statement.name.text, statement);
      else if (ts.isModuleDeclaration(statement) && statement.body && ts.isModuleBlock(statement.body)) {
        collect(statement.body.statements, `${prefix}${statement.name.text}.`);
      }
    }
  };
  collect(source.statements, "");
  return found;
}
