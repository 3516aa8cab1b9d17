/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The restricted unpickler: what torch writes is read, and nothing else gets anywhere.
 */
#include "pickle-writer.h"

#include "fbnet/fbnet.h"

#include <string.h>

/* A string literal's bytes, NULs included. */
#define BYTES(literal)                                                                             \
  {                                                                                                \
    literal, sizeof literal - 1                                                                    \
  }

typedef struct {
  const char *data;
  gsize size;
} Input;

static Pickle *
parse (const Input *input, GError **error)
{
  return pickle_parse ((const guint8 *) input->data, input->size, "test", "data", NULL, error);
}

static void
check_values (const Pickle *pickle, const char *text)
{
  const PickleValue *root = pickle_root (pickle);
  const PickleValue *list = pickle_dict_get (root, "list");
  double number;

  g_assert_cmpint (root->kind, ==, PICKLE_DICT);
  g_assert_cmpuint (pickle_length (root), ==, 2);
  g_assert_cmpuint (pickle_length (list), ==, 5);
  g_assert_cmpint (pickle_integer (pickle_item (list, 0), 0), ==, -2);
  g_assert_true (pickle_number (pickle_item (list, 1), &number));
  g_assert_cmpfloat (number, ==, 2.5);
  g_assert_cmpint (pickle_item (list, 2)->kind, ==, PICKLE_NONE);
  g_assert_true (pickle_item (list, 3)->boolean);
  g_assert_cmpstr (pickle_string (pickle_item (list, 4)), ==, text);
  g_assert_cmpint (pickle_dict_get (root, "tuple")->kind, ==, PICKLE_TUPLE);
  g_assert_cmpint (pickle_integer (pickle_item (pickle_dict_get (root, "tuple"), 1), 0), ==, 70000);
}

/* {"list": [-2, 2.5, None, True, "häß"], "tuple": (1, 70000)} reads the same from the bytes that
 * Python's own pickle module writes for it in protocols 1 to 5; protocol 0 with ASCII text. */
static void
test_protocols (void)
{
  static const Input protocols[] = {
    BYTES ("(dp0\nVlist\np1\n(lp2\nI-2\naF2.5\naNaI01\naVhass\np3\nasVtuple\np4\n"
           "(I1\nI70000\ntp5\ns."),
    BYTES ("}q\0(X\4\0\0\0listq\1]q\2(J\xfe\xff\xff\xffG@\4\0\0\0\0\0\0NI01\nX\5\0\0\0h\xc3\xa4"
           "\xc3\x9fq\3eX\5\0\0\0tupleq\4(K\1Jp\x11\1\0tq\5u."),
    BYTES ("\x80\2}q\0(X\4\0\0\0listq\1]q\2(J\xfe\xff\xff\xffG@\4\0\0\0\0\0\0N\x88X\5\0\0\0h\xc3"
           "\xa4\xc3\x9fq\3eX\5\0\0\0tupleq\4K\1Jp\x11\1\0\x86q\5u."),
    BYTES ("\x80\4\x95\x39\0\0\0\0\0\0\0}\x94(\x8c\4list\x94]\x94(J\xfe\xff\xff\xffG@\4\0\0\0\0\0\0"
           "N\x88\x8c\5h\xc3\xa4\xc3\x9f\x94"
           "e\x8c\5tuple\x94K\1Jp\x11\1\0\x86\x94u."),
    BYTES ("\x80\5\x95\x39\0\0\0\0\0\0\0}\x94(\x8c\4list\x94]\x94(J\xfe\xff\xff\xffG@\4\0\0\0\0\0\0"
           "N\x88\x8c\5h\xc3\xa4\xc3\x9f\x94"
           "e\x8c\5tuple\x94K\1Jp\x11\1\0\x86\x94u."),
  };

  for (guint i = 0; i < G_N_ELEMENTS (protocols); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Pickle) pickle = parse (&protocols[i], &error);
    g_assert_no_error (error);
    check_values (pickle, i == 0 ? "hass" : "häß");
  }
}

/* Integers of any length keep their value, or their bytes beyond 64 bits. */
static void
test_integers (void)
{
  static const struct {
    Input input;
    gint64 value;
  } cases[] = {
    { BYTES ("\x80\2\x8a\0."), 0 },
    { BYTES ("\x80\2\x8a\1\xff."), -1 },
    { BYTES ("\x80\2\x8a\2\xff\0."), 255 },
    { BYTES ("\x80\2\x8a\x8\0\0\0\0\0\0\0\x80."), G_MININT64 },
    { BYTES ("L-12L\n."), -12 },
    { BYTES ("M\xff\xff."), 65535 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Pickle) pickle = parse (&cases[i].input, NULL);
    g_assert_nonnull (pickle);
    g_assert_cmpint (pickle_root (pickle)->kind, ==, PICKLE_INT);
    g_assert_cmpint (pickle_root (pickle)->integer, ==, cases[i].value);
  }
  const Input big = BYTES ("\x80\2\x8a\x9\1\2\3\4\5\6\7\x8\x9.");
  g_autoptr (Pickle) pickle = parse (&big, NULL);
  g_assert_cmpint (pickle_root (pickle)->kind, ==, PICKLE_BIGINT);
  g_assert_cmpuint (pickle_root (pickle)->text.length, ==, 9);
}

/* Whatever asks for a name outside the list, or for an opcode that could make an object, is refused
 * by a sentence with that name. */
static void
test_refusals (void)
{
  static const struct {
    Input input;
    const char *expected;
  } cases[] = {
    { BYTES ("cos\nsystem\n(S'true'\ntR."), "os.system" },
    { BYTES ("cposix\nsystem\n."), "posix.system" },
    { BYTES ("c__builtin__\neval\n(S'1'\ntR."), "__builtin__.eval" },
    { BYTES ("\x80\4\x8c\x8"
             "builtins\x8c\4exec\x93."),
        "builtins.exec" },
    { BYTES ("cbuiltins\ngetattr\n."), "builtins.getattr" },
    { BYTES ("ctorch\nload\n."), "torch.load" },
    { BYTES ("ctorch.storage\n_load_from_bytes\n."), "torch.storage._load_from_bytes" },
    { BYTES ("cnumpy\nload\n."), "numpy.load" },
    { BYTES ("cnumpy.core.multiarray\nfrombuffer\n."), "numpy.core.multiarray.frombuffer" },
    { BYTES ("c_codecs\ndecode\n."), "_codecs.decode" },
    { BYTES ("cfunctools\npartial\n."), "functools.partial" },
    { BYTES ("cbuiltins\nint\n)R."), "builtins.int" },
    { BYTES ("cbuiltins\nint\n}b."), "state of a name" },
    { BYTES ("ctorch\nfloat32\n)R."), "torch.float32" },
    { BYTES ("ctorch\nFloatStorage\n)R."), "torch.FloatStorage" },
    { BYTES ("(S'true'\nios\nsystem\n."), "INST" },
    { BYTES ("(cos\nsystem\no."), "os.system" },
    { BYTES ("(c__torch__\nModule\no."), "OBJ" },
    { BYTES ("\x80\2\x82\1."), "EXT1" },
    { BYTES ("\x80\2\x83\1\0."), "EXT2" },
    { BYTES ("\x80\2\x84\1\0\0\0."), "EXT4" },
    { BYTES ("\x80\4c__torch__\nModule\n)}\x92."), "NEWOBJ_EX" },
    { BYTES ("Ptext\n."), "PERSID" },
    { BYTES ("\x80\5\x97."), "NEXT_BUFFER" },
    { BYTES ("]}b."), "state of a list" },
    { BYTES ("c__torch__\nModule\n}b."), "state of a name" },
    { BYTES ("ctorch\ndevice\n(S'cpu'\ntR}b."), "state of a object" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (parse (&cases[i].input, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED);
    g_assert_nonnull (strstr (error->message, cases[i].expected));
  }
}

/* What trainers save beside the weights, as Python writes it: numpy's numbers by protocols 2 and 4, an array of them,
 * namespaces, dicts with a factory, configs. It is there, and nothing was done with it. */
static void
test_beside_weights (void)
{
  static const struct {
    Input input;
    PickleKind kind;
  } cases[] = {
    { BYTES ("\x80\2cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\2\0\0\0i8K\0K\1\x87R"
             "(K\3X\1\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
             "c_codecs\nencode\nX\x8\0\0\0\x9\0\0\0\0\0\0\0X\6\0\0\0latin1\x86R\x86R."),
        PICKLE_OBJECT },
    { BYTES ("\x80\4cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\2f8\x89\x88\x87R"
             "(K\3\x8c\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
             "C\x8\0\0\0\0\0\0\xf0\x3f\x86R."),
        PICKLE_OBJECT },
    { BYTES ("\x80\2cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R"
             "(K\1K\0\x85N\x89U\0tb."),
        PICKLE_OBJECT },
    { BYTES ("\x80\2cargparse\nNamespace\n)\x81}X\2\0\0\0lrK\1sb."), PICKLE_OBJECT },
    { BYTES ("ccopy_reg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR"
             "(S'lr'\nI1\ndb."),
        PICKLE_OBJECT },
    { BYTES ("\x80\2ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RX\1\0\0\0aK\1s."),
        PICKLE_DICT },
    { BYTES ("\x80\2cdetectron2.config.config\nCfgNode\n)\x81X\1\0\0\0aK\1s}b."), PICKLE_DICT },
    { BYTES ("\x80\2ccollections\ndeque\n)K\x5\x86RK\1a."), PICKLE_LIST },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Pickle) pickle = parse (&cases[i].input, &error);
    g_assert_no_error (error);
    g_assert_cmpint (pickle_root (pickle)->kind, ==, cases[i].kind);
    if (cases[i].kind == PICKLE_DICT)
      g_assert_cmpint (pickle_integer (pickle_dict_get (pickle_root (pickle), "a"), 0), ==, 1);
  }
}

/* Lengths, indices and stacks that do not fit are errors, whatever they claim. */
static void
test_malformed (void)
{
  static const Input cases[] = {
    BYTES (""),
    BYTES ("."),
    BYTES ("N"),
    BYTES ("NN.N"),
    BYTES ("\x80\6N."),
    BYTES ("\xffN."),
    BYTES ("X\xff\xff\xff\xff"
           "a."),
    BYTES ("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
           "a."),
    BYTES ("\x8e\0\0\0\0\0\0\0\x80."),
    BYTES ("\x96\xff\xff\xff\xff\xff\xff\xff\x7f."),
    BYTES ("\x8b\xff\xff\xff\xff."),
    BYTES ("\x95\xff\xff\xff\xff\xff\xff\xff\xffN."),
    BYTES ("X\2\0\0\0\xff\xfe."),
    BYTES ("X\3\0\0\0\xff\xfe"
           "b."),
    BYTES ("h\0."),
    BYTES ("j\xff\xff\xff\xff."),
    BYTES ("g-1\n."),
    BYTES ("gx\n."),
    BYTES ("g1"),
    BYTES ("q\0."),
    BYTES ("0."),
    BYTES ("1."),
    BYTES ("2."),
    BYTES ("N(0."),
    BYTES ("N(a."),
    BYTES ("]Ns."),
    BYTES ("}NNa."),
    BYTES ("}(Nu."),
    BYTES ("(Nd."),
    BYTES ("](Nu."),
    BYTES ("N(Ne."),
    BYTES ("N\x87."),
    BYTES ("N(N\x86."),
    BYTES ("t."),
    BYTES ("NR."),
    BYTES ("NNR."),
    BYTES ("ctorch\nSize\nNR."),
    BYTES ("ctorch\nSize\n)R."),
    BYTES ("ccollections\nOrderedDict\n(](NeetR."),
    BYTES ("ccollections\nOrderedDict\n(](NetR."),
    BYTES ("NQ."),
    BYTES (")Q."),
    BYTES ("I1"),
    BYTES ("I99999999999999999999\n."),
    BYTES ("Fx\n."),
    BYTES ("S'a\n."),
    BYTES ("S'\\x41'\n."),
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (parse (&cases[i], &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
    g_assert_true (g_str_has_prefix (error->message, "test: at byte "));
  }
}

static GByteArray *
repeat (const char *before, const char *ops, guint n, const char *after)
{
  GByteArray *out = g_byte_array_new ();

  write_ops (out, before);
  for (guint i = 0; i < n; i++)
    write_ops (out, ops);
  write_ops (out, after);
  return out;
}

static void
assert_refused (GByteArray *bytes, const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (parse_array (bytes, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, expected));
  g_byte_array_unref (bytes);
}

/* Values nested a million deep, lists that contain themselves, and shared lists whose tree would have
 * 2^100 leaves cost neither the C stack nor time. */
static void
test_bombs (void)
{
  assert_refused (repeat ("", "(", 1 << 22, "."), "the stack is too long");
  assert_refused (repeat ("]", "\x85", 1000000, "."), "nest deeper");
  assert_refused (repeat ("N", "\x85", 257, "."), "nest deeper");
  assert_refused (repeat ("]q", "", 0, ""), "expected 1 more bytes");
  assert_refused (repeat ("N", "N", 1 << 21, "."), "more than");

  GByteArray *itself = g_byte_array_new ();
  g_byte_array_append (itself, (const guint8 *) "]q\0h\0a.", 7);
  assert_refused (itself, "contains itself");

  g_autoptr (GByteArray) shared = repeat ("N", "2\x86", 100, ".");
  g_autoptr (GError) error = NULL;
  g_autoptr (Pickle) pickle = parse_array (shared, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pickle_length (pickle_root (pickle)), ==, 2);

  /* The same long list, made into a set again and again. */
  GByteArray *copies = repeat ("](", "N", 1000, "eq");
  g_byte_array_append (copies, (const guint8 *) "\0", 1);
  for (guint i = 0; i < 3000; i++)
    g_byte_array_append (copies, (const guint8 *) "cbuiltins\nset\nh\0\x85R", 18);
  write_ops (copies, ".");
  assert_refused (copies, "more than");
}

static void
check_tensor (const gint32 *shape, const gint32 *strides, guint n_dims, gint32 offset,
    gint32 length, const char *expected)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  write_ops (bytes, "\x80\x02");
  write_tensor (bytes, "FloatStorage", "0", length, offset, shape, strides, n_dims);
  write_ops (bytes, ".");
  g_autoptr (Pickle) pickle = parse_array (bytes, &error);
  if (expected == NULL) {
    g_assert_no_error (error);
    g_assert_nonnull (pickle_tensor (pickle_root (pickle)));
    return;
  }
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, expected));
}

#define DIMS(...)                                                                                  \
  (gint32[])                                                                                       \
  {                                                                                                \
    __VA_ARGS__                                                                                    \
  }

/* A view that leaves its storage, by size, stride, offset, sign or overflow, is no tensor; one that
 * ends exactly at its end is. */
static void
test_tensors (void)
{
  const gint32 huge = G_MAXINT32;

  check_tensor (DIMS (2, 3), DIMS (3, 1), 2, 0, 6, NULL);
  check_tensor (DIMS (2, 3), DIMS (3, 1), 2, 1, 7, NULL);
  check_tensor (DIMS (0, 3), DIMS (3, 1), 2, 0, 0, NULL);
  check_tensor (DIMS (2, 3), DIMS (3, 1), 2, 0, 5, "beyond its storage");
  check_tensor (DIMS (2, 3), DIMS (4, 1), 2, 0, 6, "beyond its storage");
  check_tensor (DIMS (2, 3), DIMS (3, 1), 2, 1, 6, "beyond its storage");
  check_tensor (NULL, NULL, 0, 0, 0, "beyond its storage");
  check_tensor (DIMS (2), DIMS (-1), 1, 1, 6, "negative size or stride");
  check_tensor (DIMS (-2), DIMS (1), 1, 0, 6, "negative size or stride");
  check_tensor (DIMS (2), DIMS (1), 1, -1, 6, "negative offset");
  check_tensor (DIMS (2), DIMS (1), 1, 0, -6, "persistent id");
  check_tensor (DIMS (huge, huge, huge), DIMS (huge, huge, huge), 3, huge, huge, "beyond");
  check_tensor (DIMS (1, 1, 1, 1, 1, 1, 1, 1, 1), DIMS (1, 1, 1, 1, 1, 1, 1, 1, 1), 9, 0, 6,
      "8 dimensions");
}

/* A state dict cut anywhere is an error, and never anything else. */
static void
test_truncation (void)
{
  g_autoptr (GByteArray) whole = write_state_dict ();

  for (guint length = 0; length < whole->len; length++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (pickle_parse (whole->data, length, "test", "data", NULL, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (Pickle) pickle = parse_array (whole, &error);
  g_assert_no_error (error);
  g_assert_cmpint (pickle_root (pickle)->kind, ==, PICKLE_DICT);
}

/* A state dict with bits flipped gives values or an error, and never touches memory that is not its
 * own (the sanitizer build is the judge of that). */
static void
test_bit_flips (void)
{
  g_autoptr (GByteArray) whole = write_state_dict ();
  guint n_errors = 0;

  for (guint round = 0; round < 5000; round++) {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();
    g_autoptr (GError) error = NULL;
    g_byte_array_append (bytes, whole->data, whole->len);
    for (gint flips = g_test_rand_int_range (1, 4); flips > 0; flips--)
      bytes->data[g_test_rand_int_range (0, bytes->len)] ^= 1 << g_test_rand_int_range (0, 8);
    g_autoptr (Pickle) pickle = parse_array (bytes, &error);
    g_assert_true ((pickle == NULL) == (error != NULL));
    n_errors += pickle == NULL;
  }
  g_assert_cmpuint (n_errors, >, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/pickle/protocols", test_protocols);
  g_test_add_func ("/import/pickle/integers", test_integers);
  g_test_add_func ("/import/pickle/refusals", test_refusals);
  g_test_add_func ("/import/pickle/beside-weights", test_beside_weights);
  g_test_add_func ("/import/pickle/malformed", test_malformed);
  g_test_add_func ("/import/pickle/bombs", test_bombs);
  g_test_add_func ("/import/pickle/tensors", test_tensors);
  g_test_add_func ("/import/pickle/truncation", test_truncation);
  g_test_add_func ("/import/pickle/bit-flips", test_bit_flips);
  return g_test_run ();
}
