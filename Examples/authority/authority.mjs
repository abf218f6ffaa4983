// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// Which sessions have ended? node authority.mjs 9800, then: curl -X DELETE localhost:9800/sessions/ID
import { createServer } from "node:http"
import { json } from "node:stream/consumers"

const ended = new Set()

createServer(async (request, response) => {
    if (request.method === "DELETE") {
        ended.add(request.url.replace("/sessions/", ""))
        return response.end("{}")
    }
    const { sessions } = await json(request)
    const invalid = sessions.filter(({ session }) => ended.has(session)).map(({ session }) => ({ session }))
    response.end(JSON.stringify({ invalid }))
}).listen(Number(process.argv[2]), "127.0.0.1")
