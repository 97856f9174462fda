"""Lines that a parser gets wrong: a corpus by hand, and a generator of more of their kind."""

from random import Random

ACCEPTED = [
    b"m v=1 1",
    b"m v=-1 1",
    b"m v=.5 1",
    b"m v=-.5 1",
    b"m v=5. 1",
    b"m v=1e5 1",
    b"m v=1E+5 1",
    b"m v=1.5e-5 1",
    b"m v=5.e1 1",
    b"m v=1e-999 1",
    b"m v=5e-324 1",
    b"m v=1.7976931348623157e308 1",
    b"m v=0." + b"1" * 400 + b" 1",
    b"m v=" + b"0" * 400 + b"1 1",
    b"m v=-0 1",
    b"m v=-0i 1",
    b"m v=9223372036854775807i 1",
    b"m v=-9223372036854775808i 1",
    b"m v=18446744073709551615u 1",
    b"m v=0000000000000000000000000001i 1",
    b"m v=t,w=T,x=true,y=TRUE,z=True 1",
    b"m v=f,w=F,x=false,y=FALSE,z=False 1",
    b'm v="" 1',
    b'm v="a b,c=d" 1',
    b'm v="a\nb" 1',
    b'm v="a\r\nb" 1',
    b'm v="\n\n",w="\n" 1',
    b'm v="a\\b" 1',
    b'm v="a\\\\b\\"c" 1',
    b'm v="\\\\" 1',
    b'm v="\\"",w="\\\\\\"" 1',
    b'm v="#" 1',
    b'm v="\0\t" 1',
    'm v="süß 🎈" 1'.encode(),
    "größe,ört=übung näme=1 1".encode(),
    b"m,t=a,u=b v=1 1",
    b"m,u=b,t=a v=1 1",
    b"m,t=\\=x v=1 1",
    b"m,t=a\\,b,u\\ v=c\\ d,w\\=x=1 v=1 1",
    b'm,t=a"b v=1 1',
    b'm,t="a\\ b" v=1 1',
    b"m,t=a\tb v=1 1",
    b"m,t=a\\b\\\\c v=1 1",
    b"a\\ b v=1 1",
    b"a\\,b v=1 1",
    b"a\\b v=1 1",
    b"a\\\\b v=1 1",
    b'a"b v=1 1',
    b"a=b v=1 1",
    b"\\,m v=1 1",
    b"\\#m v=1 1",
    b"m\\\nx v=1 1",
    b"m a\\ b=1 1",
    b"m a\\,b=1 1",
    b"m a\\=b=1 1",
    b'm a\\"b=1 1',
    b'm "a"=1 1',
    b'm a"b=1,c"=2 1',
    b"m a\\b=1 1",
    b"m a\\\\b=1 1",
    b"m a\\\\=1,b=2 1",
    b"m \t=1 1",
    b"m \t\t=1,x=2 1",
    b"m v=1,v=2 1",
    b"m v=1,w=2,v=3 1",
    b"m _field=1,_measurement=2,_time=3 1",
    b"_measurement v=1 1",
    b"time v=1 1",
    b" m v=1 1",
    b"\t\0 m v=1 1",
    b"m  \t v=1 \t 1",
    b"m v=1 1  ",
    b"m v=1 0",
    b"m v=1 -0",
    b"m v=1 -1",
    b"m v=1 00000000000000000000000000005",
    b"m v=1 9223372036854775806",
    b"m v=1 -9223372036854775806",
]
"""Lines that InfluxDB 2.9.1 stores and returns, with a time in nanoseconds each."""

WITHOUT_TIME = [b"m v=1", b"m v=1 ", b"m v=1 \t\0 ", b'm v="a b"', b'm v="a\nb"', b' a=b"c v=1 \n"d']
"""Lines that it stores with its own time. The last one's end is ignored."""

UNREADABLE = [
    b"a\\=b v=1 1",
    b'a\\"b v=1 1',
    b"m,t==x v=1 1",
    b"a\\\\,b v=1 1",
    b"a\\\\=b v=1 1",
]
"""Lines that it accepts and never returns: it stores them under a key that it does not look up."""

EMPTY = [b"", b"\n\n", b" \t\0\n", b"# m v=1 1", b"  # comment", b'# "\n', b"#"]
"""Nothing to store, nothing to refuse."""

REFUSED = [
    (b"m", "missing_fields"),
    (b"m ", "missing_fields"),
    (b"m,t=a", "missing_fields"),
    (b",t=a v=1", "missing_measurement"),
    (b"m, v=1 1", "missing_tag_key"),
    (b"m,=a v=1 1", "missing_tag_key"),
    (b"m,,t=a v=1 1", "missing_tag_key"),
    (b"m,t v=1 1", "missing_tag_value"),
    (b"m,t= v=1 1", "missing_tag_value"),
    (b"m,t=,u=a v=1 1", "missing_tag_value"),
    (b"m,t=a=b v=1 1", "invalid_tag"),
    (b"m,t=a\\ v=1 1", "invalid_tag"),
    (b"m,t=a,t=b v=1 1", "duplicate_tag"),
    (b"m,t=a,s=b,t=a v=1 1", "duplicate_tag"),
    (b"m,time=a v=1 1", "reserved_name"),
    (b"m,_field=a v=1 1", "reserved_name"),
    (b"m,_measurement=a v=1 1", "reserved_name"),
    (b"m,\0=a v=1 1", "reserved_name"),
    (b"m time=1 1", "reserved_name"),
    (b"m time=1,v=2 1", "reserved_name"),
    (b"m =1 1", "missing_field_key"),
    (b"m v=1,=2 1", "missing_field_key"),
    (b"m v= 1", "missing_field_value"),
    (b"m v=,w=1 1", "missing_field_value"),
    (b"m v 1", "invalid_field"),
    (b"m v=1, 1", "invalid_field"),
    (b"m v=1,w 1", "invalid_field"),
    (b"m v=1, w=2 1", "invalid_field"),
    (b'm "a b"=1 1', "invalid_field"),
    (b"m a\\\\=1 1", "invalid_field"),
    (b"m a,b=1 1", "invalid_field"),
    (b"m v=NaN 1", "invalid_number"),
    (b"m v=nan 1", "invalid_number"),
    (b"m v=-inf 1", "invalid_number"),
    (b"m v=0x10 1", "invalid_number"),
    (b"m v=1_0 1", "invalid_number"),
    (b"m v=1.2.3 1", "invalid_number"),
    (b"m v=1e 1", "invalid_number"),
    (b"m v=1e5e5 1", "invalid_number"),
    (b"m v=. 1", "invalid_number"),
    (b"m v=- 1", "invalid_number"),
    (b"m v=.e5 1", "invalid_number"),
    (b"m v=--1 1", "invalid_number"),
    (b"m v=1.0i 1", "invalid_number"),
    (b"m v=1e5i 1", "invalid_number"),
    (b"m v=1i1 1", "invalid_number"),
    (b"m v=1ii 1", "invalid_number"),
    (b"m v=-1u 1", "invalid_number"),
    (b"m v=-0u 1", "invalid_number"),
    (b"m v=1\r 1", "invalid_number"),
    (b"m v=+1 1", "invalid_boolean"),
    (b"m v=inf 1", "invalid_boolean"),
    (b"m v=tRUE 1", "invalid_boolean"),
    (b"m v=yes 1", "invalid_boolean"),
    (b"m v=null 1", "invalid_number"),
    (b"m v='a' 1", "invalid_boolean"),
    (b"m v=t\\,w=1 1", "invalid_boolean"),
    (b"m v=1e999 1", "out_of_range"),
    (b"m v=1.7976931348623159e308 1", "out_of_range"),
    (b"m v=" + b"9" * 400 + b" 1", "out_of_range"),
    (b"m v=9223372036854775808i 1", "out_of_range"),
    (b"m v=-9223372036854775809i 1", "out_of_range"),
    (b"m v=18446744073709551616u 1", "out_of_range"),
    (b"m v=" + b"9" * 5_000 + b"i 1", "out_of_range"),
    (b'm v="a 1', "invalid_string"),
    (b'm v="a\\" 1', "invalid_string"),
    (b"m v=1,v=2i 1", "field_type"),
    (b"m v=1 +5", "invalid_time"),
    (b"m v=1 1.5", "invalid_time"),
    (b"m v=1 1e5", "invalid_time"),
    (b"m v=1 -", "invalid_time"),
    (b"m v=1 1 1", "invalid_time"),
    (b"m v=1 1 \t", "invalid_time"),
    (b"m v=1 1\r", "invalid_time"),
    (b"m v=1 now", "invalid_time"),
    (b"m v=1 9223372036854775807", "time_out_of_range"),
    (b"m v=1 -9223372036854775807", "time_out_of_range"),
    (b"m v=1 " + b"9" * 5_000, "time_out_of_range"),
    (b"m" * 65_536 + b" v=1 1", "key_too_long"),
    (b"m " + b"v" * 65_536 + b"=1 1", "key_too_long"),
]
"""Lines that it refuses, with our reason."""

REFUSED_HERE = [
    (b'm v="a"b 1', "invalid_string"),
    (b'm v="a"b,w="c" 1', "invalid_string"),
    (b'm v="x"=1,b,c=2 1', "invalid_string"),
    (b'm a,b="c=1 1', "invalid_string"),
    (b'm v="\xff" 1', "not_utf8"),
    (b"m,t=\xc3 v=1 1", "not_utf8"),
    (b'm v="\xed\xa0\x80" 1', "not_utf8"),
    (b'a\\\\ b=c"d v=1 1', "invalid_name"),
    (b' x=" n\nk="1"', "invalid_name"),
]
"""Lines that it accepts and the hub does not: text beside a closing quote, what is not UTF-8, and a quote that would
take in the line after it, which InfluxDB sees only where a request goes on."""

DEADLY = [b'm \\\\="="', b'm a\\\\="b=",c=1 1']
"""Lines of which the first ends the process of InfluxDB 2.9.1. Never send one; the hub refuses them."""

ACCEPTED_HERE = [b"m v=1 1\r\n", b"m v=1\r\n", b'm v="a"\r\n', b"\r\n", b"# comment\r\n"]
"""Lines that it refuses, or stores with the CR in them, and the hub takes: they end in CR LF."""

_NAME_PARTS = [b"a", b"b", b"temp", b"p95", b"\\ ", b"\\,", b"\\=", b"\\x", b'"', b'\\"', "ü".encode(), b"\t", b"."]
_ODD_NAME_PARTS = [b"\\", b"\\\\", b" ", b",", b"=", b"#", b"\\\n", b"\r", b"time", b"_field"]
_STRING_PARTS = [b"a", b" ", b",", b"=", b"\\\\", b'\\"', b"\\", b"\n", b"\r\n", b"#", "ß".encode(), b"1i", b"\0"]
_NUMBER_PARTS = [
    b"0",
    b"1",
    b"9",
    b"12345678",
    b".",
    b"-",
    b"e",
    b"E",
    b"+",
    b"i",
    b"u",
    b"n",
    b"N",
    b"x",
    b"_",
    b"9" * 17,
]
_NUMBERS = [b"1", b"-2.5", b"0.1", b"3i", b"-4i", b"5u", b"1e3", b"6.02E+23", b".5", b"5.", b"922337203685477580%di"]
_WORDS = [b"t", b"f", b"true", b"False", b"TRUE", b"F", b"T"] * 3 + [b"tru", b"yes", b"-inf", b"NaN", b"", b"null"]
_BLANKS = [b" "] * 60 + [b"  ", b"\t", b" \t", b"\0 ", b""]
_TIMES = [b"1", b"2", b"-3", b"0", b"1000", b"007", b"", b""] * 4
_TIMES += [b"1.5", b"-", b"1 ", b" ", b"1 2", b"1\t", b"99999999999999999999"]
_EDGES = [9_223_372_036_854_775_806, 9_223_372_036_854_775_807]


def generated(random: Random, number: int) -> bytes:
    """One text of one or two lines, mostly good; the number makes its measurements its own."""
    text = _line(random, b"m%dx" % number)
    if random.random() < 0.05:
        text += random.choice([b"\n", b"\n\n", b"\\\n", b"\n# c \n"]) + _line(random, b"m%dy" % number)
    if random.random() < 0.15 and len(text) > 12:
        at = random.choice([at for at in range(9, len(text)) if text[at : at + 2].isascii()] or [len(text)])
        text = text[:at] + random.choice([b"", b"\\", b'"', b" ", b",", b"=", text[at : at + 2]]) + text[at + 1 :]
    return text


def _line(random: Random, prefix: bytes) -> bytes:
    lead = random.choice([b""] * 12 + [b" ", b"\t", b"\0"])
    tags = b"".join(b"," + _name(random) + b"=" + _name(random) for _ in range(random.choice([0, 0, 1, 2, 3])))
    fields = b",".join(_name(random) + b"=" + _value(random) for _ in range(random.choice([1, 1, 2, 3, 5])))
    measurement = prefix + (_name(random) if random.random() < 0.4 else b"")
    return lead + measurement + tags + random.choice(_BLANKS) + fields + random.choice(_BLANKS) + _time(random)


def _name(random: Random) -> bytes:
    if random.random() < 0.4:
        return random.choice([b"a", b"b", b"temp", b"p95"])
    parts = random.choices(_NAME_PARTS, k=random.choice([1, 1, 2, 3, 5]))
    if random.random() < 0.1:
        parts.insert(random.randrange(len(parts) + 1), random.choice(_ODD_NAME_PARTS))
    return b"".join(parts)


def _value(random: Random) -> bytes:
    dice = random.random()
    if dice < 0.4:
        number = random.choice(_NUMBERS)
        return number % random.randrange(10) if b"%" in number else number
    if dice < 0.44:
        return b"".join(random.choices(_NUMBER_PARTS, k=random.randrange(1, 6)))
    if dice < 0.6:
        return random.choice(_WORDS)
    tail = random.choice([b""] * 30 + [b"x", b'"', b"=1"])
    return b'"' + b"".join(random.choices(_STRING_PARTS, k=random.randrange(6))) + b'"' + tail


def _time(random: Random) -> bytes:
    if random.random() < 0.9:
        return random.choice(_TIMES)
    return b"%d" % (random.choice([1, -1]) * (random.choice(_EDGES) // random.choice([1, 10**3, 10**6, 10**9])))
