// The page of the API's routes: what /openapi.json says, to be read and tried.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

SwaggerUI({ url: "/openapi.json", dom_id: "#routes", deepLinking: true, validatorUrl: null });
