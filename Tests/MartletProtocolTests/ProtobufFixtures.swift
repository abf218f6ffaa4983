// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// swift-format-ignore-file

/// What the Python SDK writes: `Tests/ClusterTests/protobuf_fixtures.py` made this.
enum ProtobufFixtures {
    static let commands: [ProtobufFixture] = [
        ProtobufFixture(
            json: #"{"id":1,"connect":{}}"#,
            hex: "0408012200"),
        ProtobufFixture(
            json: #"{"id":4294967295,"connect":{"token":"a.b.c","data":{"a":[1]},"name":"python","version":"0.7.0","head"#
                + #"ers":{"x":"y"},"subs":{"chat:é":{"recover":true,"epoch":"xyz","offset":18446744073709551615},"z":{}}"#
                + #"}}"#,
            hex: "5708ffffffff0f224f0a05612e622e6312097b2261223a5b315d7d1a1d0a07636861743ac3a912121801320378797a38ffff"
                + "ffffffffffffff011a050a017a12002206707974686f6e2a05302e372e3032060a0178120179"),
        ProtobufFixture(
            json: #"{"id":2,"ping":{}}"#,
            hex: "0408025a00"),
        ProtobufFixture(
            json: #"{"id":2,"subscribe":{"channel":"c"}}"#,
            hex: "0708022a030a0163"),
        ProtobufFixture(
            json: #"{"id":300,"subscribe":{"channel":"c","token":"t","recover":true,"epoch":"e","offset":7,"data":[1],"p"#
                + #"ositioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","flag":2,"tf":{"op":"and","nod"#
                + #"es":[{"key":"k","cmp":"eq","val":"v"}]}}}"#,
            hex: "3a08ac022a350a01631201741801320165380742035b315d4801500158016206666f7373696c6a110a03616e64320a12016b"
                + "1a0265712201767002"),
        ProtobufFixture(
            json: #"{"id":3,"unsubscribe":{"channel":"c"}}"#,
            hex: "07080332030a0163"),
        ProtobufFixture(
            json: #"{"id":4,"publish":{"channel":"c","data":{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"#
                + #"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"#
                + #"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}}"#,
            hex: "de0108043ad9010a016312d3017b2274657874223a2278787878787878787878787878787878787878787878787878787878"
                + "7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
                + "7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
                + "7878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878"
                + "78787878787878787878787878787878787878787878227d"),
        ProtobufFixture(
            json: #"{"id":4,"publish":{"channel":"c","data":null}}"#,
            hex: "0d08043a090a016312046e756c6c"),
        ProtobufFixture(
            json: #"{"id":5,"presence":{"channel":"c"}}"#,
            hex: "07080542030a0163"),
        ProtobufFixture(
            json: #"{"id":6,"presence_stats":{"channel":"c"}}"#,
            hex: "0708064a030a0163"),
        ProtobufFixture(
            json: #"{"id":7,"history":{"channel":"c"}}"#,
            hex: "07080752030a0163"),
        ProtobufFixture(
            json: #"{"id":7,"history":{"channel":"c","limit":-1,"since":{"offset":5,"epoch":"e"},"reverse":true}}"#,
            hex: "1b080752170a016338ffffffffffffffffff01420508051201654801"),
        ProtobufFixture(
            json: #"{"id":8,"rpc":{"method":"m","data":{"a":1}}}"#,
            hex: "1008086a0c0a077b2261223a317d12016d"),
        ProtobufFixture(
            json: #"{"id":8,"rpc":{}}"#,
            hex: "0408086a00"),
        ProtobufFixture(
            json: #"{"send":{"data":"x"}}"#,
            hex: "0762050a03227822"),
        ProtobufFixture(
            json: #"{"id":9,"refresh":{"token":"t"}}"#,
            hex: "07080972030a0174"),
        ProtobufFixture(
            json: #"{"id":10,"sub_refresh":{"channel":"c","token":"t"}}"#,
            hex: "0a080a7a060a0163120174"),
        ProtobufFixture(
            json: #"{"id":11}"#,
            hex: "02080b"),
        ProtobufFixture(
            json: #"{}"#,
            hex: "00"),
    ]

    static let replies: [String: ProtobufFixture] = [
        "ping": ProtobufFixture(
            json: #"{}"#,
            hex: "00"),
        "connect": ProtobufFixture(
            json: #"{"id":1,"connect":{"client":"id","version":"1.0","expires":true,"ttl":60,"data":{"a":1},"subs":{"a\""#
                + #"":{"recoverable":true,"epoch":"e","offset":7,"positioned":true},"b":{}},"ping":25,"pong":true,"sessi"#
                + #"on":"s","node":"n"}}"#,
            hex: "3c08012a380a0269641203312e301801203c2a077b2261223a317d320f0a026122120918013201654807500132050a016212"
                + "00381940014a017352016e"),
        "subscribe": ProtobufFixture(
            json: #"{"id":300,"subscribe":{"expires":true,"ttl":5,"recoverable":true,"epoch":"e","publications":[{"data""#
                + #":1,"offset":8},{"data":{"a":"b"},"info":{"user":"u","client":"x","conn_info":{"name":"é"},"chan_info"#
                + #"":[1]},"offset":9,"tags":{"k":"v","l":""}}],"recovered":true,"offset":9,"positioned":true,"data":[],"#
                + #""was_recovering":true,"delta":true}}"#,
            hex: "5d08ac0232580801100518013201653a0522013130083a3822097b2261223a2262227d2a1a0a01751201781a0d7b226e616d"
                + "65223a22c3a9227d22035b315d30093a060a016b1201763a050a016c12004001480950015a025b5d60016801"),
        "subscribed": ProtobufFixture(
            json: #"{"id":1,"subscribe":{}}"#,
            hex: "0408013200"),
        "unsubscribe": ProtobufFixture(
            json: #"{"id":1,"unsubscribe":{}}"#,
            hex: "0408013a00"),
        "publish": ProtobufFixture(
            json: #"{"id":1,"publish":{}}"#,
            hex: "0408014200"),
        "pong": ProtobufFixture(
            json: #"{"id":1,"ping":{}}"#,
            hex: "0408016200"),
        "presence": ProtobufFixture(
            json: #"{"id":1,"presence":{"presence":{"x":{"user":"u","client":"x","conn_info":{"name":"é"},"chan_info":[1"#
                + #"]},"y":{"user":"","client":"y"}}}}"#,
            hex: "2f08014a2b0a1f0a0178121a0a01751201781a0d7b226e616d65223a22c3a9227d22035b315d0a080a01791203120179"),
        "nobody": ProtobufFixture(
            json: #"{"id":1,"presence":{"presence":{}}}"#,
            hex: "0408014a00"),
        "presence_stats": ProtobufFixture(
            json: #"{"id":1,"presence_stats":{"num_clients":2,"num_users":1}}"#,
            hex: "080801520408021001"),
        "no_stats": ProtobufFixture(
            json: #"{"id":1,"presence_stats":{"num_clients":0,"num_users":0}}"#,
            hex: "0408015200"),
        "history": ProtobufFixture(
            json: #"{"id":1,"history":{"publications":[{"data":1,"offset":8},{"data":{"a":"b"},"info":{"user":"u","clien"#
                + #"t":"x","conn_info":{"name":"é"},"chan_info":[1]},"offset":9,"tags":{"k":"v","l":""}}],"epoch":"e","o"#
                + #"ffset":9}}"#,
            hex: "4a08015a460a0522013130080a3822097b2261223a2262227d2a1a0a01751201781a0d7b226e616d65223a22c3a9227d2203"
                + "5b315d30093a060a016b1201763a050a016c12001201651809"),
        "no_history": ProtobufFixture(
            json: #"{"id":1,"history":{"publications":[],"epoch":"","offset":0}}"#,
            hex: "0408015a00"),
        "rpc": ProtobufFixture(
            json: #"{"id":1,"rpc":{"data":null}}"#,
            hex: "0a08016a060a046e756c6c"),
        "no_answer": ProtobufFixture(
            json: #"{"id":1,"rpc":{}}"#,
            hex: "0408016a00"),
        "refresh": ProtobufFixture(
            json: #"{"id":1,"refresh":{"client":"c","version":"v","expires":true,"ttl":9}}"#,
            hex: "0e0801720a0a016312017618012009"),
        "sub_refresh": ProtobufFixture(
            json: #"{"id":1,"sub_refresh":{"expires":true,"ttl":3}}"#,
            hex: "0808017a0408011003"),
        "no_expiry": ProtobufFixture(
            json: #"{"id":1,"sub_refresh":{}}"#,
            hex: "0408017a00"),
        "error": ProtobufFixture(
            json: #"{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}"#,
            hex: "1f0801121b08641215696e7465726e616c20736572766572206572726f721801"),
    ]

    static let pushes: [String: ProtobufFixture] = [
        "publication": ProtobufFixture(
            json: #"{"push":{"channel":"chat:é","pub":{"data":{"a":"b"},"info":{"user":"u","client":"x","conn_info":{"na"#
                + #"me":"é"},"chan_info":[1]},"offset":9,"tags":{"k":"v","l":""}}}}"#,
            hex: "4522431207636861743ac3a9223822097b2261223a2262227d2a1a0a01751201781a0d7b226e616d65223a22c3a9227d2203"
                + "5b315d30093a060a016b1201763a050a016c1200"),
        "join": ProtobufFixture(
            json: #"{"push":{"channel":"c","join":{"info":{"user":"u","client":"x","conn_info":{"name":"é"},"chan_info":"#
                + #"[1]}}}}"#,
            hex: "2322211201632a1c0a1a0a01751201781a0d7b226e616d65223a22c3a9227d22035b315d"),
        "leave": ProtobufFixture(
            json: #"{"push":{"channel":"c","leave":{"info":{"user":"u","client":"x","conn_info":{"name":"é"},"chan_info""#
                + #":[1]}}}}"#,
            hex: "232221120163321c0a1a0a01751201781a0d7b226e616d65223a22c3a9227d22035b315d"),
        "unsubscribe": ProtobufFixture(
            json: #"{"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#,
            hex: "1e221c1201633a1710c4131a12696e73756666696369656e74207374617465"),
        "subscribe": ProtobufFixture(
            json: #"{"push":{"channel":"c","subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true,"dat"#
                + #"a":1}}}"#,
            hex: "1322111201634a0c0801220165280730013a0131"),
        "message": ProtobufFixture(
            json: #"{"push":{"message":{"data":{"a":1}}}}"#,
            hex: "0d220b42090a077b2261223a317d"),
        "connect": ProtobufFixture(
            json: #"{"push":{"connect":{"client":"id","version":"1.0","expires":true,"ttl":60,"data":{"a":1},"subs":{"a\"#
                + #""":{"recoverable":true,"epoch":"e","offset":7,"positioned":true},"b":{}},"ping":25,"pong":true,"sess"#
                + #"ion":"s","node":"n"}}}"#,
            hex: "3c223a52380a0269641203312e301a077b2261223a317d220f0a026122120918013201654807500122050a01621200280130"
                + "3c381940014a017352016e"),
        "disconnect": ProtobufFixture(
            json: #"{"push":{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}}"#,
            hex: "1322115a0f08b917120873687574646f776e1801"),
        "refresh": ProtobufFixture(
            json: #"{"push":{"refresh":{"expires":true,"ttl":7}}}"#,
            hex: "082206620408011007"),
    ]

    static let barePushes: [String: ProtobufFixture] = [
        "publication": ProtobufFixture(
            json: #"{"channel":"chat:é","pub":{"data":{"a":"b"},"info":{"user":"u","client":"x","conn_info":{"name":"é"}"#
                + #","chan_info":[1]},"offset":9,"tags":{"k":"v","l":""}}}"#,
            hex: "431207636861743ac3a9223822097b2261223a2262227d2a1a0a01751201781a0d7b226e616d65223a22c3a9227d22035b31"
                + "5d30093a060a016b1201763a050a016c1200"),
        "join": ProtobufFixture(
            json: #"{"channel":"c","join":{"info":{"user":"u","client":"x","conn_info":{"name":"é"},"chan_info":[1]}}}"#,
            hex: "211201632a1c0a1a0a01751201781a0d7b226e616d65223a22c3a9227d22035b315d"),
        "leave": ProtobufFixture(
            json: #"{"channel":"c","leave":{"info":{"user":"u","client":"x","conn_info":{"name":"é"},"chan_info":[1]}}}"#,
            hex: "21120163321c0a1a0a01751201781a0d7b226e616d65223a22c3a9227d22035b315d"),
        "unsubscribe": ProtobufFixture(
            json: #"{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}"#,
            hex: "1c1201633a1710c4131a12696e73756666696369656e74207374617465"),
        "subscribe": ProtobufFixture(
            json: #"{"channel":"c","subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true,"data":1}}"#,
            hex: "111201634a0c0801220165280730013a0131"),
        "message": ProtobufFixture(
            json: #"{"message":{"data":{"a":1}}}"#,
            hex: "0b42090a077b2261223a317d"),
        "connect": ProtobufFixture(
            json: #"{"connect":{"client":"id","version":"1.0","expires":true,"ttl":60,"data":{"a":1},"subs":{"a\"":{"rec"#
                + #"overable":true,"epoch":"e","offset":7,"positioned":true},"b":{}},"ping":25,"pong":true,"session":"s""#
                + #","node":"n"}}"#,
            hex: "3a52380a0269641203312e301a077b2261223a317d220f0a026122120918013201654807500122050a016212002801303c38"
                + "1940014a017352016e"),
        "disconnect": ProtobufFixture(
            json: #"{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}"#,
            hex: "115a0f08b917120873687574646f776e1801"),
        "refresh": ProtobufFixture(
            json: #"{"refresh":{"expires":true,"ttl":7}}"#,
            hex: "06620408011007"),
    ]

    static let emulation = "0a016e1201731a157b226964223a312c2270696e67223a7b7d7d0a7b7d"
}
