using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace ProxySuite.EndToEnd.Tests.Layering;

/// <summary>The types that a compiled type refers to: in its declaration, its members' signatures, and the code of its methods.</summary>
internal static class TypeReferences
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    public static HashSet<Type> Of(Type type)
    {
        HashSet<Type> found = [];
        Add(found, type.BaseType);
        foreach (Type implemented in type.GetInterfaces()) Add(found, implemented);
        foreach (FieldInfo field in type.GetFields(Declared)) Add(found, field.FieldType);
        foreach (MethodBase method in type.GetMethods(Declared).Cast<MethodBase>().Concat(type.GetConstructors(Declared))) AddMethod(found, method);
        return found;
    }

    private static void AddMethod(HashSet<Type> found, MethodBase method)
    {
        foreach (ParameterInfo parameter in method.GetParameters()) Add(found, parameter.ParameterType);
        if (method is MethodInfo { ReturnType: { } returned }) Add(found, returned);
        if (method.GetMethodBody() is not { } body) return;
        foreach (LocalVariableInfo local in body.LocalVariables) Add(found, local.LocalType);
        AddCode(found, method, body.GetILAsByteArray() ?? []);
    }

    /// <remarks>ECMA-335, partition III: an opcode of one byte, or two when the first is FE, then an operand whose length the opcode tells.</remarks>
    private static void AddCode(HashSet<Type> found, MethodBase method, byte[] code)
    {
        Type[] typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : [];
        Type[] methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (int at = 0; at < code.Length;)
        {
            short value = code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at];
            OpCode opCode = OpCodesByValue[value];
            at += opCode.Size;
            int operand = at + sizeof(int) <= code.Length ? BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(at)) : 0;
            switch (opCode.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    AddMember(found, method.Module.ResolveMember(operand, typeArguments, methodArguments));
                    at += sizeof(int);
                    break;
                case OperandType.InlineSwitch:
                    at += sizeof(int) + operand * sizeof(int);
                    break;
                default:
                    at += LengthOf(opCode.OperandType);
                    break;
            }
        }
    }

    private static int LengthOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private static void AddMember(HashSet<Type> found, MemberInfo? member)
    {
        Add(found, member as Type ?? member?.DeclaringType);
        if (member is FieldInfo field) Add(found, field.FieldType);
        if (member is not MethodBase method) return;
        foreach (ParameterInfo parameter in method.GetParameters()) Add(found, parameter.ParameterType);
        if (method is MethodInfo called) Add(found, called.ReturnType);
        if (method.IsGenericMethod)
        {
            foreach (Type argument in method.GetGenericArguments()) Add(found, argument);
        }
    }

    private static void Add(HashSet<Type> found, Type? type)
    {
        if (type is null || type.IsGenericParameter) return;
        if (type.GetElementType() is { } element) Add(found, element);
        else if (found.Add(type.IsConstructedGenericType ? type.GetGenericTypeDefinition() : type) || type.IsConstructedGenericType)
        {
            foreach (Type argument in type.IsConstructedGenericType ? type.GetGenericArguments() : []) Add(found, argument);
        }
    }
}
