#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void bytes_put(Bytes *bytes, const void *data, size_t length)
{
    if (bytes->capacity - bytes->length < length)
    {
        size_t capacity = bytes->capacity == 0 ? 256 : bytes->capacity;
        while (capacity - bytes->length < length) capacity *= 2;
        bytes->data = realloc(bytes->data, capacity);
        if (bytes->data == NULL) die("out of memory");
        bytes->capacity = capacity;
    }
    if (length > 0) memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

void bytes_put_byte(Bytes *bytes, unsigned char value)
{
    bytes_put(bytes, &value, 1);
}

void bytes_put_int16(Bytes *bytes, uint16_t value)
{
    unsigned char big[2] = { (unsigned char)(value >> 8), (unsigned char)value };
    bytes_put(bytes, big, sizeof big);
}

void bytes_put_int32(Bytes *bytes, uint32_t value)
{
    unsigned char big[4] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16), (unsigned char)(value >> 8), (unsigned char)value };
    bytes_put(bytes, big, sizeof big);
}

void bytes_put_text(Bytes *bytes, const char *text)
{
    bytes_put(bytes, text, strlen(text) + 1);
}

void bytes_drop(Bytes *bytes, size_t length)
{
    bytes->length -= length;
    if (bytes->length > 0) memmove(bytes->data, bytes->data + length, bytes->length);
}

void bytes_free(Bytes *bytes)
{
    free(bytes->data);
    *bytes = (Bytes){ 0 };
}

size_t message_begin(Bytes *bytes, char type)
{
    if (type != 0) bytes_put_byte(bytes, (unsigned char)type);
    size_t mark = bytes->length;
    bytes_put_int32(bytes, 0);
    return mark;
}

void message_end(Bytes *bytes, size_t mark)
{
    // The length counts itself and not the type.
    uint32_t length = (uint32_t)(bytes->length - mark);
    bytes->data[mark] = (unsigned char)(length >> 24);
    bytes->data[mark + 1] = (unsigned char)(length >> 16);
    bytes->data[mark + 2] = (unsigned char)(length >> 8);
    bytes->data[mark + 3] = (unsigned char)length;
}

void message_put(Bytes *bytes, char type, const void *body, size_t length)
{
    size_t mark = message_begin(bytes, type);
    bytes_put(bytes, body, length);
    message_end(bytes, mark);
}

uint32_t read_int32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
