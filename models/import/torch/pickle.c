/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pickle machine: opcodes, stack, marks and memo. The opcodes' meanings are those of Python's
 * pickletools; every length, index and depth is taken to be hostile. One opcode makes at most one
 * value, so that memory is bounded by the input's size.
 */
#include "fbnet/fbnet.h"
#include "pickle-private.h"

#include <string.h>

typedef struct {
  const guint8 *data;
  gsize size, at;
  Pickle *pickle;
  GPtrArray *stack; /* PickleValue */
  GArray *marks;    /* gsize: the stack's length at each MARK */
  GHashTable *memo; /* index → PickleValue */
  gboolean stopped;
} Machine;

/* --- Input ------------------------------------------------------------------------------------ */

static gboolean
fail (GError **error, const char *why)
{
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_FORMAT, why);
  return FALSE;
}

static const guint8 *
take (Machine *m, guint64 n, GError **error)
{
  if (n > m->size - m->at) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "expected %" G_GUINT64_FORMAT " more bytes, found %zu", n, m->size - m->at);
    return NULL;
  }
  const guint8 *taken = m->data + m->at;
  m->at += (gsize) n;
  return taken;
}

static gboolean
take_number (Machine *m, guint n_bytes, guint64 *number, GError **error)
{
  const guint8 *bytes = take (m, n_bytes, error);

  if (bytes == NULL)
    return FALSE;
  *number = 0;
  for (guint i = 0; i < n_bytes; i++)
    *number |= (guint64) bytes[i] << (8 * i);
  return TRUE;
}

/* A line without its end, as the text opcodes of protocol 0 have it. NULL with error set. */
static char *
take_line (Machine *m, GError **error)
{
  const guint8 *start = m->data + m->at;
  const guint8 *end = m->at < m->size ? memchr (start, '\n', m->size - m->at) : NULL;

  if (end == NULL) {
    fail (error, "a line has no end");
    return NULL;
  }
  m->at += (gsize) (end - start) + 1;
  g_autofree char *line = g_strndup ((const char *) start, (gsize) (end - start));
  if (strlen (line) != (gsize) (end - start) || !g_str_is_ascii (line)) {
    fail (error, "a line is no ASCII text");
    return NULL;
  }
  return g_steal_pointer (&line);
}

/* --- Stack ------------------------------------------------------------------------------------ */

/* Values below the last mark are out of reach, as in Python. */
static gsize
stack_base (const Machine *m)
{
  return m->marks->len > 0 ? g_array_index (m->marks, gsize, m->marks->len - 1) : 0;
}

static gboolean
push (Machine *m, PickleValue *value)
{
  if (value == NULL)
    return FALSE;
  g_ptr_array_add (m->stack, value);
  return TRUE;
}

static PickleValue *
top (Machine *m, GError **error)
{
  if (m->stack->len <= stack_base (m)) {
    fail (error, "the stack is empty");
    return NULL;
  }
  return m->stack->pdata[m->stack->len - 1];
}

static PickleValue *
pop (Machine *m, GError **error)
{
  PickleValue *value = top (m, error);

  if (value != NULL)
    g_ptr_array_set_size (m->stack, (gint) m->stack->len - 1);
  return value;
}

static gboolean
pop_mark (Machine *m, gsize *start, GError **error)
{
  if (m->marks->len == 0)
    return fail (error, "there is no mark");
  *start = stack_base (m);
  g_array_set_size (m->marks, m->marks->len - 1);
  return TRUE;
}

/* Moves the stack from `start` on to the end of `items`. */
static void
move_items (Machine *m, gsize start, GPtrArray *items)
{
  for (gsize i = start; i < m->stack->len; i++)
    g_ptr_array_add (items, m->stack->pdata[i]);
  g_ptr_array_set_size (m->stack, (gint) start);
}

/* --- Values ----------------------------------------------------------------------------------- */

static gboolean
push_none (Machine *m, GError **error)
{
  return push (m, pickle_value_new (m->pickle, PICKLE_NONE, error));
}

static gboolean
push_bool (Machine *m, gboolean boolean, GError **error)
{
  PickleValue *value = pickle_value_new (m->pickle, PICKLE_BOOL, error);

  if (value != NULL)
    value->boolean = boolean;
  return push (m, value);
}

static gboolean
push_int (Machine *m, gint64 integer, GError **error)
{
  PickleValue *value = pickle_value_new (m->pickle, PICKLE_INT, error);

  if (value != NULL)
    value->integer = integer;
  return push (m, value);
}

static gboolean
push_float (Machine *m, double number, GError **error)
{
  PickleValue *value = pickle_value_new (m->pickle, PICKLE_FLOAT, error);

  if (value != NULL)
    value->number = number;
  return push (m, value);
}

static gboolean
push_container (Machine *m, PickleKind kind, GError **error)
{
  return push (m, pickle_container_new (m->pickle, kind, error));
}

static gboolean
push_marked (Machine *m, PickleKind kind, GError **error)
{
  gsize start;

  if (!pop_mark (m, &start, error))
    return FALSE;
  if (kind == PICKLE_DICT && (m->stack->len - start) % 2 != 0)
    return fail (error, "a dict has a key without a value");
  PickleValue *value = pickle_container_new (m->pickle, kind, error);
  if (value == NULL)
    return FALSE;
  move_items (m, start, value->items);
  return push (m, value);
}

static gboolean
push_tuple (Machine *m, gsize n, GError **error)
{
  if (m->stack->len - stack_base (m) < n)
    return fail (error, "the stack is too short for a tuple");
  PickleValue *value = pickle_container_new (m->pickle, PICKLE_TUPLE, error);
  if (value == NULL)
    return FALSE;
  move_items (m, m->stack->len - n, value->items);
  return push (m, value);
}

static gboolean
push_bytes (Machine *m, guint length_bytes, GError **error)
{
  guint64 length;

  if (!take_number (m, length_bytes, &length, error))
    return FALSE;
  const guint8 *bytes = take (m, length, error);
  return bytes != NULL
      && push (m, pickle_text_new (m->pickle, PICKLE_BYTES, bytes, (gsize) length, error));
}

/* A string with a NUL in it is no name of anything: protocol 2 writes bytes in that way, numpy's numbers too. */
static gboolean
push_text (Machine *m, const void *text, gsize length, GError **error)
{
  if (memchr (text, '\0', length) != NULL)
    return push (m, pickle_text_new (m->pickle, PICKLE_BYTES, text, length, error));
  if (!g_utf8_validate (text, (gssize) length, NULL))
    return fail (error, "a string is no UTF-8 text");
  return push (m, pickle_text_new (m->pickle, PICKLE_STRING, text, length, error));
}

static gboolean
push_string (Machine *m, guint length_bytes, GError **error)
{
  guint64 length;

  if (!take_number (m, length_bytes, &length, error))
    return FALSE;
  const guint8 *text = take (m, length, error);
  return text != NULL && push_text (m, text, (gsize) length, error);
}

/* Two's complement, little endian, any length. */
static gboolean
push_long (Machine *m, guint length_bytes, GError **error)
{
  guint64 length;

  if (!take_number (m, length_bytes, &length, error))
    return FALSE;
  const guint8 *bytes = take (m, length, error);
  if (bytes == NULL)
    return FALSE;
  if (length > 8)
    return push (m, pickle_text_new (m->pickle, PICKLE_BIGINT, bytes, (gsize) length, error));
  guint64 number = length > 0 && (bytes[length - 1] & 0x80) != 0 ? G_MAXUINT64 : 0;
  for (guint64 i = length; i > 0; i--)
    number = number << 8 | bytes[i - 1];
  return push_int (m, (gint64) number, error);
}

static gboolean
push_binfloat (Machine *m, GError **error)
{
  const guint8 *bytes = take (m, 8, error);

  if (bytes == NULL)
    return FALSE;
  guint64 bits = 0;
  for (guint i = 0; i < 8; i++)
    bits = bits << 8 | bytes[i];
  double number;
  memcpy (&number, &bits, sizeof number);
  return push_float (m, number, error);
}

/* INT: "5", and "00", "01" for False and True; LONG: "5L". */
static gboolean
push_decimal (Machine *m, GError **error)
{
  g_autofree char *line = take_line (m, error);

  if (line == NULL)
    return FALSE;
  if (strcmp (line, "00") == 0 || strcmp (line, "01") == 0)
    return push_bool (m, line[1] == '1', error);
  if (g_str_has_suffix (line, "L"))
    line[strlen (line) - 1] = '\0';
  gint64 integer;
  if (!g_ascii_string_to_signed (line, 10, G_MININT64, G_MAXINT64, &integer, NULL))
    return fail (error, "a line is no integer of 64 bits");
  return push_int (m, integer, error);
}

static gboolean
push_decimal_float (Machine *m, GError **error)
{
  g_autofree char *line = take_line (m, error);

  if (line == NULL)
    return FALSE;
  char *end;
  const double number = g_ascii_strtod (line, &end);
  if (end == line || *end != '\0')
    return fail (error, "a line is no number");
  return push_float (m, number, error);
}

/* Protocol 0's strings. torch has never written that protocol: plain ones are read, those with
 * escapes are refused. */
static gboolean
push_line_text (Machine *m, gboolean quoted, GError **error)
{
  g_autofree char *line = take_line (m, error);

  if (line == NULL)
    return FALSE;
  gsize length = strlen (line);
  const char *text = line;
  if (strchr (line, '\\') != NULL)
    return fail (error, "a string of protocol 0 has an escape, which is not read");
  if (quoted) {
    if (length < 2 || (line[0] != '\'' && line[0] != '"') || line[length - 1] != line[0])
      return fail (error, "a string has no quotes");
    text++;
    length -= 2;
  }
  return push_text (m, text, length, error);
}

/* --- Containers ------------------------------------------------------------------------------- */

/* The container under `start`, which the values from there on go into. */
static PickleValue *
container_below (Machine *m, gsize start, PickleKind kind, GError **error)
{
  PickleValue *value = start > stack_base (m) ? m->stack->pdata[start - 1] : NULL;

  if (value != NULL && value->kind == kind)
    return value;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "items are added to what is no %s",
      pickle_kind_name (kind));
  return NULL;
}

static gboolean
add_items (Machine *m, gsize start, PickleKind kind, GError **error)
{
  PickleValue *container = container_below (m, start, kind, error);

  if (container == NULL)
    return FALSE;
  if (kind == PICKLE_DICT && (m->stack->len - start) % 2 != 0)
    return fail (error, "a dict has a key without a value");
  move_items (m, start, container->items);
  return TRUE;
}

static gboolean
add_marked (Machine *m, PickleKind kind, GError **error)
{
  gsize start;

  return pop_mark (m, &start, error) && add_items (m, start, kind, error);
}

static gboolean
add_last (Machine *m, gsize n, PickleKind kind, GError **error)
{
  if (m->stack->len - stack_base (m) < n + 1)
    return fail (error, "the stack is too short");
  return add_items (m, m->stack->len - n, kind, error);
}

/* --- Memo ------------------------------------------------------------------------------------- */

static gboolean
memo_put (Machine *m, guint64 index, GError **error)
{
  PickleValue *value = top (m, error);

  if (value == NULL)
    return FALSE;
  if (index > G_MAXUINT32)
    return fail (error, "a memo index is out of range");
  g_hash_table_insert (m->memo, GUINT_TO_POINTER ((guint) index), value);
  return TRUE;
}

static gboolean
memo_get (Machine *m, guint64 index, GError **error)
{
  PickleValue *value =
      index <= G_MAXUINT32 ? g_hash_table_lookup (m->memo, GUINT_TO_POINTER ((guint) index)) : NULL;

  if (value == NULL)
    return fail (error, "the memo has no value of that index");
  return push (m, value);
}

static gboolean
memo_access (Machine *m, guint index_bytes, gboolean put, GError **error)
{
  guint64 index;

  if (!take_number (m, index_bytes, &index, error))
    return FALSE;
  return put ? memo_put (m, index, error) : memo_get (m, index, error);
}

static gboolean
memo_access_line (Machine *m, gboolean put, GError **error)
{
  guint64 index;
  g_autofree char *line = take_line (m, error);

  if (line == NULL)
    return FALSE;
  if (!g_ascii_string_to_unsigned (line, 10, 0, G_MAXUINT32, &index, NULL))
    return fail (error, "a memo index is no number");
  return put ? memo_put (m, index, error) : memo_get (m, index, error);
}

/* --- Names and calls -------------------------------------------------------------------------- */

static gboolean
push_name (Machine *m, const char *module, const char *name, GError **error)
{
  g_autofree char *full = g_strdup_printf ("%s.%s", module, name);

  return pickle_name_check (full, error)
      && push (m, pickle_text_new (m->pickle, PICKLE_NAME, full, strlen (full), error));
}

static gboolean
push_global (Machine *m, GError **error)
{
  g_autofree char *module = take_line (m, error);
  g_autofree char *name = module != NULL ? take_line (m, error) : NULL;

  return name != NULL && push_name (m, module, name, error);
}

static gboolean
push_stack_global (Machine *m, GError **error)
{
  const PickleValue *name = pop (m, error);
  const PickleValue *module = name != NULL ? pop (m, error) : NULL;

  if (module == NULL)
    return FALSE;
  if (module->kind != PICKLE_STRING || name->kind != PICKLE_STRING)
    return fail (error, "a name is no string");
  return push_name (m, module->text.data, name->text.data, error);
}

/* REDUCE and NEWOBJ: callable, arguments → result. */
static gboolean
call (Machine *m, GError **error)
{
  PickleValue *arguments = pop (m, error);
  const PickleValue *callable = arguments != NULL ? pop (m, error) : NULL;

  if (callable == NULL)
    return FALSE;
  if (callable->kind != PICKLE_NAME || arguments->kind != PICKLE_TUPLE)
    return fail (error, "something that has no name is called, or without a tuple of arguments");
  return push (m, pickle_reduce (m->pickle, callable->text.data, arguments, error));
}

/* State of an object. torch gives its OrderedDicts attributes (`_metadata`), which say nothing
 * about the weights. */
static gboolean
build (Machine *m, GError **error)
{
  PickleValue *state = pop (m, error);
  PickleValue *object = state != NULL ? top (m, error) : NULL;

  if (object == NULL)
    return FALSE;
  if (object->kind == PICKLE_DICT)
    return TRUE;
  if (object->kind != PICKLE_OBJECT || !pickle_name_takes_state (object->object.class_name)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED, "sets the state of a %s",
        pickle_kind_name (object->kind));
    return FALSE;
  }
  object->object.state = state;
  return TRUE;
}

static gboolean
persistent_load (Machine *m, GError **error)
{
  const PickleValue *id = pop (m, error);

  return id != NULL && push (m, pickle_persistent_load (m->pickle, id, error));
}

/* --- Opcodes ---------------------------------------------------------------------------------- */

static gboolean
push_mark (Machine *m)
{
  const gsize length = m->stack->len;

  g_array_append_val (m->marks, length);
  return TRUE;
}

static gboolean
check_protocol (Machine *m, GError **error)
{
  guint64 protocol;

  if (!take_number (m, 1, &protocol, error))
    return FALSE;
  return protocol <= 5 || fail (error, "the pickle's protocol is newer than 5");
}

/* Frames only tell a reader how much to fetch at once. */
static gboolean
check_frame (Machine *m, GError **error)
{
  guint64 length;

  if (!take_number (m, 8, &length, error))
    return FALSE;
  return length <= m->size - m->at || fail (error, "a frame is longer than what is left");
}

static gboolean
push_integer (Machine *m, guint n_bytes, GError **error)
{
  guint64 number;

  if (!take_number (m, n_bytes, &number, error))
    return FALSE;
  return push_int (m, n_bytes == 4 ? (gint64) (gint32) number : (gint64) number, error);
}

static gboolean
drop_marked (Machine *m, GError **error)
{
  gsize start;

  if (!pop_mark (m, &start, error))
    return FALSE;
  g_ptr_array_set_size (m->stack, (gint) start);
  return TRUE;
}

static gboolean
refuse (guint8 opcode, GError **error)
{
  static const struct {
    guint8 opcode;
    const char *what;
  } known[] = {
    { 'P', "PERSID" },
    { 'i', "INST" },
    { 'o', "OBJ" },
    { 0x82, "EXT1" },
    { 0x83, "EXT2" },
    { 0x84, "EXT4" },
    { 0x92, "NEWOBJ_EX" },
    { 0x97, "NEXT_BUFFER" },
    { 0x98, "READONLY_BUFFER" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (known[i].opcode == opcode) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
          "uses the opcode %s, which is refused: torch does not write it", known[i].what);
      return FALSE;
    }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "0x%02x is no opcode", opcode);
  return FALSE;
}

static gboolean
step (Machine *m, guint8 opcode, GError **error)
{
  switch (opcode) {
    case 0x80:
      return check_protocol (m, error);
    case 0x95:
      return check_frame (m, error);
    case '.':
      m->stopped = TRUE;
      return TRUE;
    case '(':
      return push_mark (m);
    case '0':
      return pop (m, error) != NULL;
    case '1':
      return drop_marked (m, error);
    case '2':
      return push (m, top (m, error));

    case 'N':
      return push_none (m, error);
    case 0x88:
    case 0x89:
      return push_bool (m, opcode == 0x88, error);
    case 'K':
      return push_integer (m, 1, error);
    case 'M':
      return push_integer (m, 2, error);
    case 'J':
      return push_integer (m, 4, error);
    case 0x8a:
      return push_long (m, 1, error);
    case 0x8b:
      return push_long (m, 4, error);
    case 'I':
    case 'L':
      return push_decimal (m, error);
    case 'G':
      return push_binfloat (m, error);
    case 'F':
      return push_decimal_float (m, error);

    case 'U':
    case 0x8c:
      return push_string (m, 1, error);
    case 'T':
    case 'X':
      return push_string (m, 4, error);
    case 0x8d:
      return push_string (m, 8, error);
    case 'S':
      return push_line_text (m, TRUE, error);
    case 'V':
      return push_line_text (m, FALSE, error);
    case 'C':
      return push_bytes (m, 1, error);
    case 'B':
      return push_bytes (m, 4, error);
    case 0x8e:
    case 0x96:
      return push_bytes (m, 8, error);

    case ']':
      return push_container (m, PICKLE_LIST, error);
    case ')':
      return push_container (m, PICKLE_TUPLE, error);
    case '}':
      return push_container (m, PICKLE_DICT, error);
    case 0x8f:
      return push_container (m, PICKLE_SET, error);
    case 'l':
      return push_marked (m, PICKLE_LIST, error);
    case 't':
      return push_marked (m, PICKLE_TUPLE, error);
    case 'd':
      return push_marked (m, PICKLE_DICT, error);
    case 0x91:
      return push_marked (m, PICKLE_SET, error);
    case 0x85:
    case 0x86:
    case 0x87:
      return push_tuple (m, (gsize) opcode - 0x84, error);
    case 'a':
      return add_last (m, 1, PICKLE_LIST, error);
    case 'e':
      return add_marked (m, PICKLE_LIST, error);
    case 's':
      return add_last (m, 2, PICKLE_DICT, error);
    case 'u':
      return add_marked (m, PICKLE_DICT, error);
    case 0x90:
      return add_marked (m, PICKLE_SET, error);

    case 'p':
      return memo_access_line (m, TRUE, error);
    case 'q':
      return memo_access (m, 1, TRUE, error);
    case 'r':
      return memo_access (m, 4, TRUE, error);
    case 0x94:
      return memo_put (m, g_hash_table_size (m->memo), error);
    case 'g':
      return memo_access_line (m, FALSE, error);
    case 'h':
      return memo_access (m, 1, FALSE, error);
    case 'j':
      return memo_access (m, 4, FALSE, error);

    case 'c':
      return push_global (m, error);
    case 0x93:
      return push_stack_global (m, error);
    case 'R':
    case 0x81:
      return call (m, error);
    case 'b':
      return build (m, error);
    case 'Q':
      return persistent_load (m, error);

    default:
      return refuse (opcode, error);
  }
}

static gboolean
run (Machine *m, GError **error)
{
  while (!m->stopped) {
    const guint8 *opcode = take (m, 1, error);
    if (opcode == NULL || !step (m, *opcode, error))
      return FALSE;
    if (m->stack->len > PICKLE_MAX_VALUES || m->marks->len > PICKLE_MAX_VALUES)
      return fail (error, "the stack is too long");
  }
  m->pickle->root = pop (m, error);
  return m->pickle->root != NULL && pickle_check_depth (m->pickle->root, error);
}

/* --- Entry ------------------------------------------------------------------------------------ */

static void
machine_init (Machine *m, Pickle *pickle, const guint8 *data, gsize size)
{
  *m = (Machine){
    .data = data,
    .size = size,
    .pickle = pickle,
    .stack = g_ptr_array_new (),
    .marks = g_array_new (FALSE, FALSE, sizeof (gsize)),
    .memo = g_hash_table_new (NULL, NULL),
  };
}

static void
machine_clear (Machine *m)
{
  g_ptr_array_unref (m->stack);
  g_array_unref (m->marks);
  g_hash_table_unref (m->memo);
}

Pickle *
pickle_parse (const guint8 *data, gsize size, const char *name, const char *folder, gsize *consumed,
    GError **error)
{
  g_autoptr (Pickle) pickle = g_new0 (Pickle, 1);

  pickle->values = g_ptr_array_new ();
  pickle->texts = g_ptr_array_new_with_free_func (g_free);
  pickle->folder = g_strdup (folder);

  Machine machine;
  machine_init (&machine, pickle, data, size);
  gboolean done = run (&machine, error);
  if (done && consumed == NULL && machine.at != size)
    done = fail (error, "bytes follow the end of the pickle");
  if (!done)
    g_prefix_error (error, "%s: at byte %zu of the pickle: ", name, machine.at);
  if (consumed != NULL)
    *consumed = machine.at;
  machine_clear (&machine);
  return done ? g_steal_pointer (&pickle) : NULL;
}
