// The page of the API's routes: what /openapi.json says, to be read and tried.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

import { keyHeaders } from "./key.ts";

SwaggerUI({
  url: "/openapi.json",
  dom_id: "#routes",
  deepLinking: true,
  validatorUrl: null,
  // What is tried is sent with the key that the dashboard keeps in this tab, or another one by
  // "Authorize".
  requestInterceptor: (request) => {
    const isOurs = new URL(request.url, location.href).origin === location.origin;
    if (isOurs) request.headers = { ...keyHeaders(), ...request.headers };
    return request;
  },
});
